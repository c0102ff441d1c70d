#include <xgrad/kernels/stretch.hpp>

#if defined(__x86_64__)

#include <xbyak/xbyak.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>

namespace xgrad::kernels {
namespace {

constexpr std::size_t code_bytes = 4096;

std::atomic<std::int64_t> smallest{[] {
  const char* set = std::getenv("XGRAD_CODE");
  return std::int64_t{set && std::string_view(set) == "0" ? -1 : 256};
}()};

/// Numbers of free registers of one kind; the lowest goes first.
class Pool {
 public:
  Pool(int first, int end) {
    for (int r = first; r < end; ++r) free_.push_back(r);
  }
  std::optional<int> take() {
    if (free_.empty()) return std::nullopt;
    const auto lowest = std::min_element(free_.begin(), free_.end());
    const int r = *lowest;
    free_.erase(lowest);
    return r;
  }
  void give(int r) { free_.push_back(r); }

 private:
  std::vector<int> free_;
};

/// Which vector (or mask) register holds what, for all of the loop or until its last use.
struct Assignment {
  std::map<std::uint16_t, int> held;       ///< single operands
  std::map<std::uint16_t, int> place;      ///< full operands and results
  std::vector<std::vector<std::uint16_t>> loads;  ///< full operands to load before each part
  int sign = -1, rest = -1, one = -1;
};

/// The processor's registers as loops use them. 512 bits: 31 is for products, masks 5 and 6 for comparisons within an
/// instruction, 7 for the tail. 256 bits: 13 and 14 for those, 15 for the tail.
struct Registers {
  explicit Registers(bool wide) : vectors(0, wide ? 31 : 13), masks(1, wide ? 5 : 1) {}
  Pool vectors, masks;
};

/// Null if there are not enough registers.
std::optional<Assignment> assign(const Stretch& s, bool wide) {
  Registers free(wide);
  Assignment a;
  const auto constant = [&](int& r, Code code) {
    const bool wanted = std::any_of(s.parts.begin(), s.parts.end(),
                                    [&](const StretchPart& p) { return p.pair == Pair::none && p.code == code; });
    if (!wanted || r >= 0) return true;
    const std::optional<int> got = free.vectors.take();
    if (got) r = *got;
    return got.has_value();
  };
  if (!constant(a.sign, Code::negate) || !constant(a.rest, Code::absolute) || !constant(a.one, Code::reciprocal))
    return std::nullopt;
  for (const std::uint16_t r : s.single) {
    const std::optional<int> got = free.vectors.take();
    if (!got) return std::nullopt;
    a.held[r] = *got;
  }
  std::map<std::uint16_t, std::size_t> last;
  std::map<std::uint16_t, bool> is_mask;
  for (std::size_t i = 0; i < s.parts.size(); ++i)
    for (int k = 0; k < s.parts[i].operands; ++k) last[s.parts[i].in[k]] = i;
  for (const std::uint16_t r : s.outs) last[r] = s.parts.size();
  a.loads.resize(s.parts.size());
  for (std::size_t i = 0; i < s.parts.size(); ++i) {
    const StretchPart& p = s.parts[i];
    for (int k = 0; k < p.operands; ++k) {
      const std::uint16_t r = p.in[k];
      if (a.held.contains(r) || a.place.contains(r)) continue;
      const std::optional<int> got = free.vectors.take();
      if (!got) return std::nullopt;
      a.place[r] = *got;
      a.loads[i].push_back(r);
    }
    const bool mask = wide && p.pair == Pair::none && is_comparison(p.code);
    is_mask[p.out] = mask;
    // The result gets its register before operands give theirs up: some parts write it before the last read.
    const std::optional<int> got = mask ? free.masks.take() : free.vectors.take();
    if (!got) return std::nullopt;
    a.place[p.out] = *got;
    for (int k = 0; k < p.operands; ++k) {
      const std::uint16_t r = p.in[k];
      if (a.held.contains(r) || last[r] != i) continue;
      if (std::find(p.in, p.in + k, r) != p.in + k) continue;
      (is_mask[r] ? free.masks : free.vectors).give(a.place[r]);
    }
    if (!last.contains(p.out)) (mask ? free.masks : free.vectors).give(*got);
  }
  return a;
}

/// Writes the loop with 512-bit or 256-bit vectors.
class Loop final : public StretchCode, private Xbyak::CodeGenerator {
 public:
  Loop(const Stretch& stretch, const Assignment& assignment, bool wide)
      : CodeGenerator(code_bytes, Xbyak::DontSetProtectRWE),
        s_(stretch), a_(assignment), wide_(wide), single_(stretch.type == DType::float32) {
    write();
    setProtectModeRE();
    function = getCode<Function>();
  }

 private:
  using Vector = Xbyak::Xmm;  // of either length

  Vector vector(int r) const { return wide_ ? Vector(Xbyak::Zmm(r)) : Vector(Xbyak::Ymm(r)); }
  Vector of(std::uint16_t r) const {
    const auto held = a_.held.find(r);
    return vector(held != a_.held.end() ? held->second : a_.place.at(r));
  }
  Xbyak::Opmask mask(std::uint16_t r) const { return Xbyak::Opmask(a_.place.at(r)); }
  Xbyak::Address at(std::uint16_t r) const { return ptr[address_.at(r) + index_ * (single_ ? 4 : 8)]; }

  void write();
  void repeat(int r, std::uint32_t float_bits, std::uint64_t double_bits);
  void body(bool tail);
  void load(std::uint16_t r, bool tail);
  void store(std::uint16_t r, bool tail);
  void part(const StretchPart& p);
  void compare(const StretchPart& p);
  void extreme(bool maximum, const Vector& out, const Vector& a, const Vector& b);

  void add(const Vector& out, const Vector& a, const Vector& b) { single_ ? vaddps(out, a, b) : vaddpd(out, a, b); }
  void subtract(const Vector& out, const Vector& a, const Vector& b) {
    single_ ? vsubps(out, a, b) : vsubpd(out, a, b);
  }
  void multiply(const Vector& out, const Vector& a, const Vector& b) {
    single_ ? vmulps(out, a, b) : vmulpd(out, a, b);
  }
  void divide(const Vector& out, const Vector& a, const Vector& b) { single_ ? vdivps(out, a, b) : vdivpd(out, a, b); }

  const Stretch s_;
  const Assignment a_;
  const bool wide_, single_;
  std::map<std::uint16_t, Xbyak::Reg64> address_;
  // Arguments by the System V convention: table, count.
  const Xbyak::Reg64 table_ = rdi, count_ = rsi, index_ = r14, whole_ = r15, other_ = rbp;
};

void Loop::repeat(int r, std::uint32_t float_bits, std::uint64_t double_bits) {
  const std::uint64_t both = single_ ? std::uint64_t{float_bits} << 32 | float_bits : double_bits;
  mov(other_, both);
  if (wide_) {
    vpbroadcastq(Xbyak::Zmm(r), other_);
  } else {
    vmovq(Xbyak::Xmm(r), other_);
    vbroadcastsd(Xbyak::Ymm(r), Xbyak::Xmm(r));
  }
}

void Loop::load(std::uint16_t r, bool tail) {
  const Vector to = of(r);
  if (!tail) single_ ? vmovups(to, at(r)) : vmovupd(to, at(r));
  else if (wide_) single_ ? vmovups(to | k7 | T_z, at(r)) : vmovupd(to | k7 | T_z, at(r));
  else single_ ? vmaskmovps(to, ymm15, at(r)) : vmaskmovpd(to, ymm15, at(r));
}

void Loop::store(std::uint16_t r, bool tail) {
  const Vector from = of(r);
  if (!tail) single_ ? vmovups(at(r), from) : vmovupd(at(r), from);
  else if (wide_) single_ ? vmovups(at(r) | k7, from) : vmovupd(at(r) | k7, from);
  else single_ ? vmaskmovps(at(r), ymm15, from) : vmaskmovpd(at(r), ymm15, from);
}

void Loop::compare(const StretchPart& p) {
  const std::uint8_t how = p.code == Code::equal       ? 0x00   // ordered
                           : p.code == Code::not_equal ? 0x04   // or unordered
                           : p.code == Code::less      ? 0x11
                                                       : 0x12;
  const Vector a = of(p.in[0]), b = of(p.in[1]);
  if (wide_) single_ ? vcmpps(mask(p.out), a, b, how) : vcmppd(mask(p.out), a, b, how);
  else single_ ? vcmpps(of(p.out), a, b, how) : vcmppd(of(p.out), a, b, how);
}

/// a where it is larger (or smaller), or a NaN; else b.
void Loop::extreme(bool maximum, const Vector& out, const Vector& a, const Vector& b) {
  const std::uint8_t better = maximum ? 0x1E : 0x11, unordered = 0x03;
  if (wide_) {
    single_ ? vcmpps(k5, a, b, better) : vcmppd(k5, a, b, better);
    single_ ? vcmpps(k6, a, a, unordered) : vcmppd(k6, a, a, unordered);
    korw(k5, k5, k6);
    single_ ? vblendmps(out | k5, b, a) : vblendmpd(out | k5, b, a);
  } else {
    single_ ? vcmpps(ymm13, a, b, better) : vcmppd(ymm13, a, b, better);
    single_ ? vcmpps(ymm14, a, a, unordered) : vcmppd(ymm14, a, a, unordered);
    vorps(ymm13, ymm13, ymm14);
    single_ ? vblendvps(out, b, a, ymm13) : vblendvpd(out, b, a, ymm13);
  }
}

void Loop::part(const StretchPart& p) {
  if (p.pair != Pair::none) {
    const Vector product = vector(wide_ ? 31 : 13), out = of(p.out), c = of(p.in[2]);
    multiply(product, of(p.in[0]), of(p.in[1]));
    if (p.pair == Pair::multiply_add) add(out, product, c);
    else if (p.pair == Pair::multiply_subtract) subtract(out, product, c);
    else subtract(out, c, product);
    return;
  }
  if (is_comparison(p.code)) return compare(p);
  const Vector out = of(p.out);
  if (p.code == Code::select) {
    const Vector yes = of(p.in[1]), no = of(p.in[2]);
    if (wide_) single_ ? vblendmps(out | mask(p.in[0]), no, yes) : vblendmpd(out | mask(p.in[0]), no, yes);
    else single_ ? vblendvps(out, no, yes, of(p.in[0])) : vblendvpd(out, no, yes, of(p.in[0]));
    return;
  }
  const Vector a = of(p.in[0]);
  switch (p.code) {
    case Code::add: add(out, a, of(p.in[1])); break;
    case Code::subtract: subtract(out, a, of(p.in[1])); break;
    case Code::multiply: multiply(out, a, of(p.in[1])); break;
    case Code::divide: divide(out, a, of(p.in[1])); break;
    case Code::square: multiply(out, a, a); break;
    case Code::reciprocal: divide(out, vector(a_.one), a); break;
    case Code::sqrt: single_ ? vsqrtps(out, a) : vsqrtpd(out, a); break;
    case Code::negate: wide_ ? vpxorq(out, a, vector(a_.sign)) : vpxor(out, a, vector(a_.sign)); break;
    case Code::absolute: wide_ ? vpandq(out, a, vector(a_.rest)) : vpand(out, a, vector(a_.rest)); break;
    case Code::maximum: extreme(true, out, a, of(p.in[1])); break;
    case Code::minimum: extreme(false, out, a, of(p.in[1])); break;
    default: break;
  }
}

void Loop::body(bool tail) {
  for (std::size_t i = 0; i < s_.parts.size(); ++i) {
    for (const std::uint16_t r : a_.loads[i]) load(r, tail);
    part(s_.parts[i]);
  }
  for (const std::uint16_t r : s_.outs) store(r, tail);
}

void Loop::write() {
  const Xbyak::Reg64 kept[] = {rbx, rbp, r12, r13, r14, r15};
  const Xbyak::Reg64 bases[] = {rax, rcx, rdx, r8, r9, r10, r11, rbx, r12, r13};
  static_assert(std::size(bases) == most_stretch_ports);
  for (const Xbyak::Reg64& r : kept) push(r);
  std::size_t used = 0;
  for (const std::vector<std::uint16_t>* list : {&s_.full, &s_.outs})
    for (const std::uint16_t r : *list) {
      mov(bases[used], ptr[table_ + r * 8]);
      address_.emplace(r, bases[used++]);
    }
  for (const std::uint16_t r : s_.single) {
    mov(other_, ptr[table_ + r * 8]);
    const int to = a_.held.at(r);
    if (single_) vbroadcastss(of(r), ptr[other_]);
    else wide_ ? vbroadcastsd(Xbyak::Zmm(to), ptr[other_]) : vbroadcastsd(Xbyak::Ymm(to), ptr[other_]);
  }
  if (a_.sign >= 0) repeat(a_.sign, 0x80000000u, std::uint64_t{1} << 63);
  if (a_.rest >= 0) repeat(a_.rest, 0x7fffffffu, ~(std::uint64_t{1} << 63));
  if (a_.one >= 0) repeat(a_.one, 0x3f800000u, 0x3ff0000000000000u);

  const int lanes = (wide_ ? 64 : 32) / (single_ ? 4 : 8);
  Xbyak::Label loop, rest, done, first_lanes;
  xor_(index_, index_);
  mov(whole_, count_);
  and_(whole_, -lanes);
  jz(rest, T_NEAR);
  L(loop);
  body(false);
  CodeGenerator::add(index_, lanes);
  cmp(index_, whole_);
  jl(loop, T_NEAR);
  L(rest);
  cmp(index_, count_);
  jge(done, T_NEAR);
  sub(count_, index_);
  if (wide_) {
    mov(other_.cvt32(), -1);
    bzhi(other_.cvt32(), other_.cvt32(), count_.cvt32());
    kmovw(k7, other_.cvt32());
  } else {
    // As many lanes as are left have their highest bit set.
    if (!single_) CodeGenerator::add(count_, count_);
    neg(count_);
    lea(other_, ptr[rip + first_lanes]);
    vmovups(ymm15, ptr[other_ + count_ * 4 + 32]);
  }
  body(true);
  L(done);
  vzeroupper();
  for (std::size_t i = std::size(kept); i-- > 0;) pop(kept[i]);
  ret();
  if (!wide_) {
    align(32);
    L(first_lanes);
    for (int i = 0; i < 16; ++i) dd(i < 8 ? 0xffffffffu : 0u);
  }
}

/// 0: none, 1: AVX2, 2: AVX-512: what the kernels were chosen for.
int level() {
  const std::string_view name = instruction_set();
  return name == "avx512" ? 2 : name == "avx2" ? 1 : 0;
}

}  // namespace

bool fits_stretch(Code code, DType type) {
  if (type != DType::float32 && type != DType::float64) return false;
  switch (code) {
    case Code::add: case Code::subtract: case Code::multiply: case Code::divide: case Code::square:
    case Code::reciprocal: case Code::sqrt: case Code::negate: case Code::absolute: case Code::maximum:
    case Code::minimum: case Code::select:
      return true;
    default: return is_comparison(code);
  }
}

bool small_enough(const Stretch& stretch) {
  if (level() == 0 || stretch.full.size() + stretch.outs.size() > most_stretch_ports) return false;
  return stretch.parts.size() <= most_stretch_parts && assign(stretch, level() == 2).has_value();
}

std::shared_ptr<const StretchCode> compile(const Stretch& stretch) {
  if (!small_enough(stretch)) return nullptr;
  try {
    return std::make_shared<Loop>(stretch, *assign(stretch, level() == 2), level() == 2);
  } catch (const Xbyak::Error&) {
    return nullptr;  // the system gives no memory for code
  }
}

void set_smallest_stretch(std::int64_t elements) { smallest.store(elements, std::memory_order_relaxed); }
std::int64_t smallest_stretch() { return smallest.load(std::memory_order_relaxed); }

}  // namespace xgrad::kernels

#else

namespace xgrad::kernels {

bool fits_stretch(Code, DType) { return false; }
bool small_enough(const Stretch&) { return false; }
std::shared_ptr<const StretchCode> compile(const Stretch&) { return nullptr; }
void set_smallest_stretch(std::int64_t) {}
std::int64_t smallest_stretch() { return -1; }

}  // namespace xgrad::kernels

#endif
