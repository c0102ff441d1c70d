#include <xgrad/nn/activation_layers.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>

namespace xgrad {

const CustomObjects& library_layers() {
  static const CustomObjects all = [] {
    CustomObjects table;
    table.layer<ReLU>().layer<LeakyReLU>().layer<ELU>().layer<Softmax>().layer<PReLU>();
    table.layer<Activation>().layer<Dense>().layer<Dropout>().layer<Flatten>().layer<Input>().layer<Rescaling>();
    return table;
  }();
  return all;
}

}  // namespace xgrad
