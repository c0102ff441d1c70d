// Products and sums over products: values and derivatives by PyTorch, and what rows of samples cannot say.

#include <xgrad/diff/gradcheck.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/print.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

#include <random>

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;

template <Tensor (*function)(const Arg&, const Arg&)>
Tensor of_two(In in) {
  return function(in[0], in[1]);
}

Tensor random_tensor(const Shape& shape, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  for (double& v : values) v = normal(engine);
  return tensor(values, shape);
}

}  // namespace

TEST_CASE("products agree with PyTorch, twice differentiated") {
  reference::check_reference(
      "product_values.json",
      {
          {"matmul", of_two<matmul>},
          {"matvec", of_two<matvec>},
          {"vecdot", [](In in) { return vecdot(in[0], in[1]); }},
          {"dot", of_two<dot>},
          {"vdot", of_two<vdot>},
          {"inner", of_two<inner>},
          {"outer", of_two<outer>},
          {"tensordot", [](In in) { return tensordot(in[0], in[1]); }},
          {"tensordot_axes",
           [](In in) {
             return tensordot(in[0], in[1], {2, 0}, {0, 2});
           }},
          {"kron", of_two<kron>},
          {"cross", [](In in) { return cross(in[0], in[1]); }},
          {"vander", [](In in) { return vander(in[0]); }},
          {"vander_increasing", [](In in) { return vander(in[0], 4, true); }},
          {"multi_dot", [](In in) { return multi_dot(in); }},
          {"convolve_full", [](In in) { return convolve(in[0], in[1], Overlap::full); }},
          {"correlate_full", [](In in) { return correlate(in[0], in[1], Overlap::full); }},
          {"convolve_same", [](In in) { return convolve(in[0], in[1], Overlap::same); }},
          {"correlate_same", [](In in) { return correlate(in[0], in[1], Overlap::same); }},
          {"convolve_valid", [](In in) { return convolve(in[0], in[1], Overlap::valid); }},
          {"correlate_valid", [](In in) { return correlate(in[0], in[1], Overlap::valid); }},
          {"einsum i,i->", [](In in) { return einsum("i,i->", in); }},
          {"einsum ij,jk->ik", [](In in) { return einsum("ij,jk->ik", in); }},
          {"einsum ij,jk", [](In in) { return einsum("ij,jk", in); }},
          {"einsum ji,jk->ki", [](In in) { return einsum("ji,jk->ki", in); }},
          {"einsum bij,bjk->bik", [](In in) { return einsum("bij,bjk->bik", in); }},
          {"einsum bij,kj->bki", [](In in) { return einsum("bij,kj->bki", in); }},
          {"einsum ii->i", [](In in) { return einsum("ii->i", in); }},
          {"einsum ii", [](In in) { return einsum("ii", in); }},
          {"einsum iij->ji", [](In in) { return einsum("iij->ji", in); }},
          {"einsum iijj->ij", [](In in) { return einsum("iijj->ij", in); }},
          {"einsum ijk->", [](In in) { return einsum("ijk->", in); }},
          {"einsum ij,ij->i", [](In in) { return einsum("ij,ij->i", in); }},
          {"einsum i,j->ij", [](In in) { return einsum("i,j->ij", in); }},
          {"einsum ...ij,...jk->...ik", [](In in) { return einsum("...ij,...jk->...ik", in); }},
          {"einsum i...,i...->...", [](In in) { return einsum("i...,i...->...", in); }},
          {"einsum ...,...", [](In in) { return einsum("...,...", in); }},
          {"einsum ij,jk,kl,lm->im", [](In in) { return einsum("ij,jk,kl,lm->im", in); }},
          {"einsum ijk,ilm,njm,nlk,abc->", [](In in) { return einsum("ijk,ilm,njm,nlk,abc->", in); }},
          {"einsum bhqd,bhkd->bhqk", [](In in) { return einsum("bhqd,bhkd->bhqk", in); }},
          {"einsum abcd,dcef->baef", [](In in) { return einsum("abcd,dcef->baef", in); }},
          {"einsum ij,j,i->", [](In in) { return einsum("ij,j,i->", in); }},
          {"einsum i,i,i->i", [](In in) { return einsum("i,i,i->i", in); }},
          {"einsum ab,cd,ef->fdbeca", [](In in) { return einsum("ab,cd,ef->fdbeca", in); }},
          {"einsum cba,Da->bDc", [](In in) { return einsum("cba,Da->bDc", in); }},
          {"einsum ,ij->ji", [](In in) { return einsum(",ij->ji", in); }},
      });
}

TEST_CASE("a chain of matrices is multiplied in the order of least work") {
  const Tensor a = random_tensor({40, 2}, 1), b = random_tensor({2, 40}, 2), x = random_tensor({40, 1}, 3);
  // The product of b and x is a vector, that of a and b a large matrix.
  for (const Tensor& y : {multi_dot({a, b, x}), einsum("ij,jk,kl->il", {a, b, x})}) {
    CHECK(dump(y).find("(2, 1)") != std::string::npos);
    CHECK(dump(y).find("(40, 40)") == std::string::npos);
  }
  const Tensor row = random_tensor({1, 40}, 4);
  CHECK(dump(multi_dot({row, a, b})).find("(1, 2)") != std::string::npos);
}

TEST_CASE("einsum multiplies what stands as matrices without moving it") {
  const Tensor a = random_tensor({3, 3}, 1), b = random_tensor({3, 3}, 2);
  for (const char* text : {"ij,jk->ik", "ji,jk->ik", "ij,kj->ik", "ji,kj->ik"}) {
    const Tensor product = einsum(text, {a, b});
    const std::string graph = dump(product);
    INFO(text << "\n" << graph);
    CHECK(graph.find("transpose") == std::string::npos);
    CHECK(graph.find("matmul") != std::string::npos);
  }
  const Tensor heads = random_tensor({2, 3, 4, 5}, 3), keys = random_tensor({2, 3, 6, 5}, 4);
  CHECK(dump(einsum("bhqd,bhkd->bhqk", {heads, keys})).find("transpose") == std::string::npos);
}

TEST_CASE("ten operands of einsum are ordered greedily and give the same product") {
  std::vector<Tensor> chain;
  for (unsigned i = 0; i < 10; ++i) chain.push_back(random_tensor({2 + i % 3, 2 + (i + 1) % 3}, i));
  const Tensor all = einsum("ab,bc,cd,de,ef,fg,gh,hi,ij,jk->ak", In(chain));
  Tensor expected = chain[0];
  for (std::size_t i = 1; i < chain.size(); ++i) expected = matmul(expected, chain[i]);
  reference::check_reals("chain", all, expected.to_vector<double>());
}

TEST_CASE("products recorded for one batch run with another") {
  const Tensor x = random_tensor({4, 3, 2}, 1), w = random_tensor({2, 3, 5}, 2), wide = random_tensor({7, 3, 2}, 3);
  const auto check = [&](Tensor (*f)(const Tensor&, const Tensor&)) {
    const Tensor y = f(x, w);
    const Tensor recorded[] = {y, grad(sum(y * y), w)};
    const Substitution other[] = {{x, wide}};
    const std::vector<Tensor> again = rerecord(recorded, other);
    const Tensor direct = f(wide, w);
    REQUIRE(again[0].shape() == direct.shape());
    reference::check_reals("value", again[0], direct.to_vector<double>());
    reference::check_reals("gradient", again[1], grad(sum(direct * direct), w).to_vector<double>());
  };
  check([](const Tensor& a, const Tensor& b) { return einsum("bij,jik->bk", {a, b}); });
  check([](const Tensor& a, const Tensor& b) { return einsum("bij,jkl->bikl", {a, b}); });
  check([](const Tensor& a, const Tensor& b) { return tensordot(a, b, {2, 1}, {0, 1}); });
  check([](const Tensor& a, const Tensor& b) { return inner(a, sum(transpose(b, {2, 1, 0}), 0)); });
}

TEST_CASE("convolutions have the same bits whatever the number of threads") {
  const Tensor a = random_tensor({20000}, 1), v = random_tensor({301}, 2);
  const int before = kernels::num_threads();
  std::vector<double> expected[2];
  for (const int threads : {1, 4}) {
    kernels::set_num_threads(threads);
    for (const Overlap mode : {Overlap::full, Overlap::valid}) {
      const std::vector<double> found = convolve(a, v, mode).to_vector<double>();
      std::vector<double>& kept = expected[mode == Overlap::valid];
      if (threads == 1) kept = found;
      CHECK(kept == found);
    }
  }
  kernels::set_num_threads(before);
}

TEST_CASE("products of matrices that lie between each other's rows copy none of them") {
  // Rows, inner and columns of each operand and the result, with the last batch axis between or before, either way
  // round; lengths for the small loops, vectors, and OpenBLAS.
  const char* lefts[] = {"bntk", "bnkt", "btnk", "bknt"};
  const char* rights[] = {"bnks", "bnsk", "bkns", "bsnk"};
  const char* results[] = {"bnts", "btns", "bnst", "bsnt"};
  for (const DType dtype : {float64, float32, int64, bool_})
    for (const Shape& sizes : {Shape{2, 3, 4, 5, 6}, Shape{2, 3, 20, 9, 33}, Shape{2, 1, 1, 12, 7},
                               Shape{1, 3, 13, 10, 1}, Shape{2, 2, 70, 300, 200}})
      for (const char* l : lefts)
        for (const char* r : rights)
          for (const char* out : results) {
            const auto drawn = [&](const std::string& labels, std::uint64_t seed) {
              Shape shape;
              for (const char c : labels) shape.append(sizes[static_cast<int>(std::string("bntks").find(c))]);
              Generator generator(seed);
              const Tensor x = normal(shape, 0, 3, {.dtype = float64, .generator = &generator});
              return dtype == bool_ ? greater(x, 3) : cast(x, dtype);
            };
            // A large one once.
            if (sizes[3] == 300 && (dtype != float32 || l != lefts[2] || r != rights[3])) continue;
            const Tensor a = drawn(l, 1), b = drawn(r, 2);
            a.eval();
            b.eval();
            const std::string text = std::string(l) + "," + r + "->" + out;
            INFO(text << " " << to_string(a.shape()) << " " << to_string(b.shape()) << " " << name_of(dtype));
            const Tensor found = einsum(text, {a, b});
            CHECK(dump(found).find("transpose") == std::string::npos);
            const auto plain = [](const Tensor& x, const std::string& from, const std::string& to) {
              std::vector<int> axes;
              for (const char c : to) axes.push_back(static_cast<int>(from.find(c)));
              return transpose(x, std::span<const int>(axes));
            };
            const Tensor wanted = plain(matmul(plain(a, l, "bntk"), plain(b, r, "bnks")), "bnts", out);
            REQUIRE(found.shape() == wanted.shape());
            const double apart = max(abs(cast(found, float64) - cast(wanted, float64))).item();
            CHECK(apart <= (dtype == float32 ? 1e-3 : 1e-12));
          }
}

TEST_CASE("gradients of products of matrices that lie apart need no copies either") {
  Generator generator(3);
  const auto drawn = [&](const Shape& shape) {
    return normal(shape, 0, 1, {.dtype = float64, .generator = &generator});
  };
  const Tensor q = drawn({2, 3, 2, 4}), k = drawn({2, 5, 2, 4}), v = drawn({2, 5, 2, 3});
  const auto f = [](std::span<const Tensor> in) {
    const Tensor scores = einsum("btnh,bsnh->bnts", {in[0], in[1]});
    return sum(square(einsum("bnts,bsnv->btnv", {tanh(scores), in[2]})));
  };
  CHECK(gradcheck(f, {q, k, v}).passed());
  const Tensor xs[] = {q, k, v};
  for (const Tensor& g : grad(f(xs), std::span<const Tensor>(xs)))
    CHECK(dump(g).find("transpose") == std::string::npos);
  // One matrix serves a batch.
  const Tensor shared = drawn({1, 5, 1, 4});
  const Tensor y = einsum("btnh,bsnh->bnts", {q, broadcast_to(shared, {2, 5, 2, 4})});
  const Tensor z = sum(square(y));
  const std::vector<double> g = grad(z, shared).to_vector<double>();
  const std::vector<double> wanted =
      (2 * sum(matmul(transpose(y, {0, 1, 3, 2}), transpose(q, {0, 2, 1, 3})), {0, 1})).to_vector<double>();
  REQUIRE(g.size() == wanted.size());
  for (std::size_t i = 0; i < g.size(); ++i) CHECK(g[i] == Approx(wanted[i]));
}
