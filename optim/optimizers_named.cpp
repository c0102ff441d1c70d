#include <xgrad/optim/names.hpp>
#include <xgrad/optim/optimizers.hpp>

namespace xgrad::optimizers {

namespace {

Optimizer by_name(std::string_view name) {
  using Maker = Optimizer (*)();
  constexpr Named<Maker> table[] = {
      {"sgd", [] { return Optimizer(SGD()); }},
      {"rmsprop", [] { return Optimizer(RMSprop()); }},
      {"adam", [] { return Optimizer(Adam()); }},
      {"adamw", [] { return Optimizer(AdamW()); }},
      {"adamax", [] { return Optimizer(Adamax()); }},
      {"nadam", [] { return Optimizer(Nadam()); }},
      {"adagrad", [] { return Optimizer(Adagrad()); }},
      {"adadelta", [] { return Optimizer(Adadelta()); }},
      {"adafactor", [] { return Optimizer(Adafactor()); }},
      {"ftrl", [] { return Optimizer(Ftrl()); }},
      {"lion", [] { return Optimizer(Lion()); }},
      {"lamb", [] { return Optimizer(Lamb()); }},
      {"muon", [] { return Optimizer(Muon()); }},
      {"schedulefreeadamw", [] { return Optimizer(ScheduleFreeAdamW()); }},
  };
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return find_named(table, "optimizer", lower)();
}

}  // namespace

Optimizer::Optimizer(std::string_view name) : Optimizer(by_name(name)) {}

}  // namespace xgrad::optimizers
