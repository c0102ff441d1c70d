#include <xgrad/diff/transforms.hpp>
#include <xgrad/diff/vmap.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/ops/indexing.hpp>

#include "table_walk.hpp"

#include <set>

using namespace xgrad;
using namespace table;

namespace {

/// One sample of a row: its function of the inputs that move, along one direction.
class Smooth {
 public:
  Smooth(const Row& row, const Sample& sample) : row_(row) {
    for (std::size_t k = 0; k < sample.inputs.size(); ++k) {
      leaves_.push_back(leaf_of(sample.inputs[k], static_cast<int>(k)));
      if (leaves_.back().moves()) moving_.push_back(k);
    }
  }
  bool moves() const { return !moving_.empty(); }

  /// The moving leaves, moved by `step` along the direction.
  std::vector<Tensor> at(double step) const {
    std::vector<Tensor> result;
    for (const std::size_t k : moving_) {
      Values values = leaves_[k].values;
      const Values along = direction(k);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] += step * along[i];
      result.push_back(leaves_[k].make(values));
    }
    return result;
  }
  std::vector<Tensor> directions() const {
    std::vector<Tensor> result;
    for (const std::size_t k : moving_) result.push_back(tensor(direction(k), leaves_[k].shape));
    return result;
  }
  Tensor apply(std::span<const Tensor> moving) const {
    std::vector<Tensor> arguments;
    std::size_t next = 0;
    for (const Leaf& leaf : leaves_) {
      const bool moves = leaf.moves();
      arguments.push_back(leaf.argument(moves ? moving[next] : leaf.make(leaf.values)));
      next += moves;
    }
    return row_.call(arguments);
  }
  /// A number with derivatives of every order where the row's function has them.
  Tensor weighted(std::span<const Tensor> moving) const {
    const Tensor out = apply(moving);
    return sum(out * tensor(mixed(out.size(), 100), out.shape()));
  }

 private:
  Values direction(std::size_t k) const {
    Values along = mixed(leaves_[k].shape.size(), static_cast<int>(k));
    // Small, so that differences stay on this side of kinks.
    for (double& a : along) a *= 0.5;
    return along;
  }
  const Row& row_;
  std::vector<Leaf> leaves_;
  std::vector<std::size_t> moving_;
};

Tensor dot(std::span<const Tensor> a, std::span<const Tensor> b) {
  Tensor total = sum(a[0] * b[0]);
  for (std::size_t i = 1; i < a.size(); ++i) total = total + sum(a[i] * b[i]);
  return total;
}

/// The derivative of f at 0, by central differences of two steps extrapolated to none.
template <class F>
double slope_of(F&& f) {
  const auto central = [&](double step) { return (f(step) - f(-step)) / (2 * step); };
  const double step = 1e-4;
  return (4 * central(step / 2) - central(step)) / 3;
}

void check_near(const char* what, double found, double expected, double scale, double tolerance) {
  INFO(what << ": " << found << ", expected " << expected);
  CHECK(std::fabs(found - expected) <= tolerance * std::max({std::fabs(expected), scale, 1e-2}));
}

}  // namespace

TEST_CASE("jvp, vjp, hvp and third derivatives of every operation agree with each other and with differences") {
  int rows_tested = 0;
  for_each_row([&](const Row& row) {
    if (row.no_derivative) return;
    ++rows_tested;
    for (std::size_t i = 0; i < row.samples.size(); ++i) {
      INFO("sample " << i);
      const Smooth smooth(row, row.samples[i]);
      if (!smooth.moves()) continue;
      const std::vector<Tensor> x = smooth.at(0), v = smooth.directions();
      const std::span xs(x), vs(v);
      const Tensor y = smooth.weighted(xs);

      // Forward mode, nested three times, without any reverse sweep of ours.
      const Tensor first = jvp(y, xs, vs), second = jvp(first, xs, vs), third = jvp(second, xs, vs);
      // Reverse mode: a vector-Jacobian product, then products with the Hessian.
      const std::vector<Tensor> slopes = vjp(std::span(&y, 1), xs, std::vector<Tensor>(1));
      const std::vector<Tensor> products = hvp(y, xs, vs);
      const std::vector<Tensor> twice = grad(dot(slopes, vs), xs);
      const std::vector<Tensor> thrice = grad(dot(products, vs), xs);

      const double scale = 1e-3;
      check_near("vjp and jvp", dot(slopes, vs).item(), first.item(), scale, 1e-10);
      check_near("hvp and nested jvp", dot(products, vs).item(), second.item(), scale, 1e-9);
      check_near("reverse over reverse", dot(twice, vs).item(), second.item(), scale, 1e-9);
      check_near("reverse of hvp and nested jvp", dot(thrice, vs).item(), third.item(), scale, 1e-8);
      const auto differenced = [&](auto&& f) {
        return slope_of([&](double step) { return f(smooth.at(step)).item(); });
      };
      check_near("first derivative", first.item(),
                 differenced([&](const auto& at) { return smooth.weighted(at); }), scale, 1e-6);
      check_near("second derivative", second.item(),
                 differenced([&](const auto& at) { return jvp(smooth.weighted(at), at, vs); }), scale, 1e-6);
      check_near("third derivative", third.item(),
                 differenced([&](const auto& at) { return jvp(jvp(smooth.weighted(at), at, vs), at, vs); }),
                 scale, 1e-6);
    }
  });
  CHECK(rows_tested > 150);
}

TEST_CASE("vmap of every operation is what a loop over the examples gives, and so is its gradient") {
  constexpr int count = 3;
  // Rows that look at their input's values at the call, and draws, which differ between examples.
  std::set<std::string> looks, draws;
  for (const Rows& rows : {random_rows(), family_rows(), choices_rows()})
    for (const Row& row : rows) draws.insert(row.name);
  for_each_row([&](const Row& row) {
    for (std::size_t i = 0; i < row.samples.size(); ++i) {
      INFO("sample " << i);
      const Smooth smooth(row, row.samples[i]);
      if (!smooth.moves() || smooth.apply(smooth.at(0)).rank() == max_rank) continue;
      std::vector<std::vector<Tensor>> examples;
      for (int k = 0; k < count; ++k) examples.push_back(smooth.at(0.01 * k));
      const std::size_t arity = examples[0].size();
      // All arguments mapped, then each one alone.
      for (std::size_t alone = 0; alone <= (arity > 1 ? arity : 0); ++alone) {
        const auto mapped = [&](std::size_t k) { return alone == 0 || k + 1 == alone; };
        const auto argument = [&](int example, std::size_t k) {
          return examples[mapped(k) ? static_cast<std::size_t>(example) : 0][k];
        };
        VmapOptions options;
        std::vector<Tensor> given;
        for (std::size_t k = 0; k < arity; ++k) {
          std::vector<Tensor> rows;
          for (int e = 0; e < count; ++e) rows.push_back(argument(e, k));
          options.in_axes.push_back(mapped(k) ? 0 : not_mapped);
          given.push_back(mapped(k) ? stack(std::span<const Tensor>(rows), 0) : rows[0]);
        }
        const std::vector<Arg> arguments(given.begin(), given.end());
        const auto results = [&](std::span<const Tensor> in) {
          const Tensor out = smooth.apply(in);
          std::vector<Tensor> list = {out};
          if (row.no_derivative || !is_floating(out.dtype())) return list;
          for (const Tensor& slope : grad(smooth.weighted(in), in)) list.push_back(slope);
          return list;
        };
        const MappedArguments all = mapped_arguments(arguments, options);
        std::vector<Tensor> found;
        try {
          const std::vector<Tensor> one = [&] {
            const Recorded recorded;
            return results(all.examples);
          }();
          found = for_all_examples(one, all, options);
        } catch (const ValueError& error) {
          if (std::string(error.what()).find("inside vmap it stands for every example") == std::string::npos) throw;
          looks.insert(row.name);
          continue;
        }
        for (int e = 0; e < count; ++e) {
          std::vector<Tensor> in;
          for (std::size_t k = 0; k < arity; ++k) in.push_back(argument(e, k));
          const std::vector<Tensor> expected = results(in);
          REQUIRE(found.size() == expected.size());
          for (std::size_t r = 0; r < found.size(); ++r) {
            const Tensor one = take(found[r], e);
            INFO("example " << e << " result " << r << " mapped alone " << alone);
            CHECK(to_string(one.shape()) == to_string(expected[r].shape()));
            if (draws.count(row.name)) continue;
            check_close("vmap", one.to_vector<double>(), expected[r].to_vector<double>(), 1e-9);
          }
        }
      }
    }
  });  CAPTURE(looks);
  CHECK(looks == std::set<std::string>{"trim_zeros", "unique"});
}
