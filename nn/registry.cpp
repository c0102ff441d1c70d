#include <xgrad/nn/activation_layers.hpp>
#include <xgrad/nn/attention_layers.hpp>
#include <xgrad/nn/boltzmann.hpp>
#include <xgrad/nn/capsules.hpp>
#include <xgrad/nn/color_layers.hpp>
#include <xgrad/nn/conv_layers.hpp>
#include <xgrad/nn/conv_recurrent.hpp>
#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/graph_layers.hpp>
#include <xgrad/nn/image_layers.hpp>
#include <xgrad/nn/merge_layers.hpp>
#include <xgrad/nn/mixture_of_experts.hpp>
#include <xgrad/nn/noise_layers.hpp>
#include <xgrad/nn/normalization.hpp>
#include <xgrad/nn/pooling_layers.hpp>
#include <xgrad/nn/position_layers.hpp>
#include <xgrad/nn/preprocessing.hpp>
#include <xgrad/nn/radial_basis.hpp>
#include <xgrad/nn/recurrent.hpp>
#include <xgrad/nn/reshape_layers.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/self_organizing_map.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/spiking.hpp>
#include <xgrad/nn/transformer_layers.hpp>
#include <xgrad/nn/wrapper_layers.hpp>

namespace xgrad {

const CustomObjects& library_layers() {
  static const CustomObjects all = [] {
    CustomObjects table;
    table.layer<ReLU>().layer<LeakyReLU>().layer<ELU>().layer<Softmax>().layer<PReLU>();
    table.layer<Reshape>().layer<Permute>().layer<RepeatVector>();
    table.layer<Cropping1D>("Cropping1D").layer<Cropping2D>("Cropping2D").layer<Cropping3D>("Cropping3D");
    table.layer<ZeroPadding1D>("ZeroPadding1D").layer<ZeroPadding2D>("ZeroPadding2D");
    table.layer<ZeroPadding3D>("ZeroPadding3D").layer<UpSampling1D>("UpSampling1D");
    table.layer<UpSampling2D>("UpSampling2D").layer<UpSampling3D>("UpSampling3D");
    table.layer<Add>().layer<Subtract>().layer<Multiply>().layer<Average>().layer<Maximum>().layer<Minimum>();
    table.layer<Concatenate>().layer<Dot>();
    table.layer<Identity>().layer<Lambda>().layer<Masking>().layer<ActivityRegularization>();
    table.layer<Embedding>().layer<EinsumDense>();
    table.layer<BatchNormalization>().layer<LayerNormalization>().layer<RMSNormalization>();
    table.layer<GroupNormalization>().layer<UnitNormalization>().layer<SpectralNormalization>();
    table.layer<SpatialDropout1D>("SpatialDropout1D").layer<SpatialDropout2D>("SpatialDropout2D");
    table.layer<SpatialDropout3D>("SpatialDropout3D").layer<GaussianDropout>().layer<GaussianNoise>();
    table.layer<AlphaDropout>();
    table.layer<SinePositionEncoding>().layer<PositionEmbedding>().layer<TokenAndPositionEmbedding>();
    table.layer<RotaryEmbedding>().layer<TransformerEncoder>().layer<TransformerDecoder>();
    table.layer<Attention>().layer<AdditiveAttention>().layer<MultiHeadAttention>().layer<GroupQueryAttention>();
    table.layer<Normalization>().layer<Discretization>().layer<CategoryEncoding>().layer<IntegerLookup>();
    table.layer<RNN>().layer<SimpleRNN>().layer<LSTM>().layer<GRU>().layer<Bidirectional>().layer<TimeDistributed>();
    table.layer<ConvLSTM1D>("ConvLSTM1D").layer<ConvLSTM2D>("ConvLSTM2D").layer<ConvLSTM3D>("ConvLSTM3D");
    table.cell<SimpleRNNCell>().cell<LSTMCell>().cell<GRUCell>().cell<StackedRNNCells>();
    table.layer<Conv1D>("Conv1D").layer<Conv2D>("Conv2D").layer<Conv3D>("Conv3D");
    table.layer<Conv1DTranspose>("Conv1DTranspose").layer<Conv2DTranspose>("Conv2DTranspose");
    table.layer<Conv3DTranspose>("Conv3DTranspose").layer<DepthwiseConv1D>("DepthwiseConv1D");
    table.layer<DepthwiseConv2D>("DepthwiseConv2D").layer<SeparableConv1D>("SeparableConv1D");
    table.layer<SeparableConv2D>("SeparableConv2D").layer<MaxPooling1D>("MaxPooling1D");
    table.layer<MaxPooling2D>("MaxPooling2D").layer<MaxPooling3D>("MaxPooling3D");
    table.layer<AveragePooling1D>("AveragePooling1D").layer<AveragePooling2D>("AveragePooling2D");
    table.layer<AveragePooling3D>("AveragePooling3D").layer<GlobalMaxPooling1D>("GlobalMaxPooling1D");
    table.layer<GlobalMaxPooling2D>("GlobalMaxPooling2D").layer<GlobalMaxPooling3D>("GlobalMaxPooling3D");
    table.layer<GlobalAveragePooling1D>("GlobalAveragePooling1D");
    table.layer<GlobalAveragePooling2D>("GlobalAveragePooling2D");
    table.layer<GlobalAveragePooling3D>("GlobalAveragePooling3D").layer<AdaptiveMaxPooling1D>("AdaptiveMaxPooling1D");
    table.layer<AdaptiveMaxPooling2D>("AdaptiveMaxPooling2D").layer<AdaptiveMaxPooling3D>("AdaptiveMaxPooling3D");
    table.layer<AdaptiveAveragePooling1D>("AdaptiveAveragePooling1D");
    table.layer<AdaptiveAveragePooling2D>("AdaptiveAveragePooling2D");
    table.layer<AdaptiveAveragePooling3D>("AdaptiveAveragePooling3D");
    table.layer<RadialBasis>().layer<SelfOrganizingMap>().layer<MixtureOfExperts>();
    table.layer<RestrictedBoltzmannMachine>();
    table.layer<LeakyIntegrateAndFire>().layer<LeakyIntegrator>().layer<RateCoding>().layer<LatencyCoding>();
    table.layer<GCNConv>().layer<GATConv>().layer<MessagePassing>();
    table.layer<Capsule>().layer<CapsuleLength>().layer<PrimaryCapsule>();
    table.layer<Resizing>().layer<CenterCrop>().layer<RandomFlip>().layer<RandomTranslation>().layer<RandomRotation>();
    table.layer<RandomZoom>().layer<RandomContrast>().layer<RandomBrightness>().layer<RandomCrop>();
    table.layer<RandomShear>().layer<AutoContrast>().layer<Equalization>().layer<Solarization>();
    table.layer<RandomPosterization>().layer<RandomGrayscale>().layer<RandomInvert>().layer<RandomColorDegeneration>();
    table.layer<RandomHue>().layer<RandomSaturation>().layer<RandomColorJitter>().layer<RandomSharpness>();
    table.layer<RandomGaussianBlur>().layer<RandomErasing>();
    table.layer<Activation>().layer<Dense>().layer<Dropout>().layer<Flatten>().layer<Input>().layer<Rescaling>();
    return table;
  }();
  return all;
}

}  // namespace xgrad
