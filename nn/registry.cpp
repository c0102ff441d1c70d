#include <xgrad/nn/activation_layers.hpp>
#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/image_layers.hpp>
#include <xgrad/nn/merge_layers.hpp>
#include <xgrad/nn/noise_layers.hpp>
#include <xgrad/nn/normalization.hpp>
#include <xgrad/nn/preprocessing.hpp>
#include <xgrad/nn/reshape_layers.hpp>
#include <xgrad/nn/recurrent.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
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
    table.layer<Normalization>().layer<Discretization>().layer<CategoryEncoding>().layer<IntegerLookup>();
    table.layer<RNN>().layer<SimpleRNN>().layer<LSTM>().layer<GRU>().layer<Bidirectional>().layer<TimeDistributed>();
    table.cell<SimpleRNNCell>().cell<LSTMCell>().cell<GRUCell>().cell<StackedRNNCells>();
    table.layer<Resizing>().layer<CenterCrop>();
    table.layer<Activation>().layer<Dense>().layer<Dropout>().layer<Flatten>().layer<Input>().layer<Rescaling>();
    return table;
  }();
  return all;
}

}  // namespace xgrad
