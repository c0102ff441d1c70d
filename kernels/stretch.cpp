#include <xgrad/kernels/stretch_registers.hpp>

#if defined(__x86_64__)

#include <xbyak/xbyak.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <string_view>

namespace xgrad::kernels {
namespace {

constexpr std::size_t code_bytes = 4096, code_bytes_of_folds = 16384;

std::atomic<std::int64_t> smallest{[] {
  const char* set = std::getenv("XGRAD_CODE");
  return std::int64_t{set && std::string_view(set) == "0" ? -1 : 256};
}()};

/// Writes the loop with 512-bit or 256-bit vectors.
class Loop final : public StretchCode, private Xbyak::CodeGenerator {
 public:
  Loop(const Stretch& stretch, const Assignment& assignment, bool wide)
      : CodeGenerator(folds_rows(stretch) ? code_bytes_of_folds : code_bytes, Xbyak::DontSetProtectRWE),
        s_(stretch), a_(assignment), wide_(wide), single_(stretch.type == DType::float32),
        size_(single_ ? 4 : 8), lanes_(lanes_of(stretch, wide)), vectors_(vectors_of(stretch, wide)),
        folds_(static_cast<int>(assignment.sums.size())) {
    write();
    setProtectModeRE();
    bytes = folds_rows(stretch) ? code_bytes_of_folds : code_bytes;
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
  /// The elements of the vector that is being written; takes `other_` where the address is in no register.
  Xbyak::Address at(std::uint16_t r) {
    const auto found = address_.find(r);
    if (found == address_.end()) mov(other_, ptr[table_ + r * 8]);
    const Xbyak::Reg64& base = found == address_.end() ? other_ : found->second;
    return ptr[base + index_ * size_ + vector_ * lanes_ * size_];
  }

  void write();
  void enter();
  void block_of_row();
  void tail();
  void repeat(int r, std::uint32_t float_bits, std::uint64_t double_bits);
  void body(bool tail);
  void load(std::uint16_t r, bool tail) { load(of(r), r, tail); }
  void load(const Vector& to, std::uint16_t r, bool tail);
  void store(std::uint16_t r, bool tail) { store(of(r), r, tail); }
  void store(const Vector& from, std::uint16_t r, bool tail);
  void part(const StretchPart& p);
  void fold_row(const StretchPart& p, const Vector& sum, bool tail);
  void fold_column(const StretchPart& p, bool tail);
  void fold(Code code, const Vector& out, const Vector& a, const Vector& b);
  void fold_lanes_of(Code code, int r, int lanes);
  void start_sums();
  void end_block();
  void finish_sums();
  void compare(const StretchPart& p);
  void question(bool maximum, const Vector& a, const Vector& b);
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
  const int size_, lanes_, vectors_, folds_;
  int vector_ = 0;
  std::map<std::uint16_t, Xbyak::Reg64> address_;
  // Arguments by the System V convention: table, count.
  const Xbyak::Reg64 table_ = rdi, count_ = rsi, index_ = r14, whole_ = r15, other_ = rbp;
  Xbyak::Label first_lanes_;
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

void Loop::load(const Vector& to, std::uint16_t r, bool tail) {
  if (!tail) single_ ? vmovups(to, at(r)) : vmovupd(to, at(r));
  else if (wide_) single_ ? vmovups(to | k7 | T_z, at(r)) : vmovupd(to | k7 | T_z, at(r));
  else single_ ? vmaskmovps(to, ymm15, at(r)) : vmaskmovpd(to, ymm15, at(r));
}

void Loop::store(const Vector& from, std::uint16_t r, bool tail) {
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

/// Sets mask 5 where a is larger (or smaller), or a NaN.
void Loop::question(bool maximum, const Vector& a, const Vector& b) {
  const std::uint8_t better = maximum ? 0x1E : 0x11, unordered = 0x03;
  single_ ? vcmpps(k5, a, b, better) : vcmppd(k5, a, b, better);
  single_ ? vcmpps(k6, a, a, unordered) : vcmppd(k6, a, a, unordered);
  korw(k5, k5, k6);
}

/// a where it is larger (or smaller), or a NaN; else b.
void Loop::extreme(bool maximum, const Vector& out, const Vector& a, const Vector& b) {
  const std::uint8_t better = maximum ? 0x1E : 0x11, unordered = 0x03;
  if (wide_) {
    question(maximum, a, b);
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

/// The better of two, or their sum: `a` first, as the kernels have it.
void Loop::fold(Code code, const Vector& out, const Vector& a, const Vector& b) {
  if (code == Code::row_sum) add(out, a, b);
  else extreme(code == Code::row_max, out, a, b);
}

void Loop::fold_row(const StretchPart& p, const Vector& sum, bool tail) {
  const Vector value = of(p.in[0]);
  if (!tail) return fold(p.code, sum, sum, value);
  if (wide_ && p.code == Code::row_sum) return add(sum | k7, sum, value);
  if (wide_) {
    question(p.code == Code::row_max, sum, value);
    kandnw(k5, k5, k7);
    single_ ? vmovaps(sum | k5, value) : vmovapd(sum | k5, value);
  } else {
    fold(p.code, ymm14, sum, value);
    single_ ? vblendvps(sum, sum, ymm14, ymm15) : vblendvpd(sum, sum, ymm14, ymm15);
  }
}

void Loop::fold_column(const StretchPart& p, bool tail) {
  const Vector sum = vector(wide_ ? 31 : a_.column), value = of(p.in[0]);
  load(sum, p.out, tail);
  if (p.code == Code::row_sum) add(sum, sum, value);
  else extreme(p.code == Code::row_max, sum, value, sum);
  store(sum, p.out, tail);
}

void Loop::body(bool tail) {
  for (const StretchFetch& fetch : s_.fetches) {
    const Xbyak::Address next = at(fetch.place);
    fetch.writes ? prefetchw(next) : prefetcht0(next);
  }
  for (std::size_t i = 0; i < s_.parts.size(); ++i) {
    for (const std::uint16_t r : a_.loads[i]) load(r, tail);
    const StretchPart& p = s_.parts[i];
    if (p.columns) fold_column(p, tail);
    else if (is_fold(p.code)) fold_row(p, vector(a_.sums.at(i)[static_cast<std::size_t>(vector_)]), tail);
    else part(p);
  }
  for (const std::uint16_t r : s_.outs) store(r, tail);
}

/// Halves the first lanes of a register until one is left.
void Loop::fold_lanes_of(Code code, int r, int lanes) {
  const int other = wide_ ? 31 : 15;
  const Xbyak::Xmm x(r), y(other);
  for (int bytes = lanes * size_ / 2; bytes >= size_; bytes /= 2) {
    if (bytes == 32) vextractf64x4(Xbyak::Ymm(other), Xbyak::Zmm(r), 1);
    else if (bytes == 16 && wide_) vextractf32x4(y, Xbyak::Ymm(r), 1);
    else if (bytes == 16) vextractf128(y, Xbyak::Ymm(r), 1);
    else if (bytes == 8) vmovhlps(y, x, x);
    else vmovshdup(y, x);
    if (bytes == 32) fold(code, Xbyak::Ymm(r), Xbyak::Ymm(r), Xbyak::Ymm(other));
    else fold(code, x, x, y);
  }
}

/// Lanes hold what a fold starts from.
void Loop::start_sums() {
  for (const auto& [part, registers] : a_.sums) {
    const Code code = s_.parts[part].code;
    for (const int r : registers) {
      const Vector sum = vector(r);
      if (code == Code::row_sum) wide_ ? vpxorq(sum, sum, sum) : vpxor(sum, sum, sum);
      else if (code == Code::row_max) repeat(r, 0xff800000u, 0xfff0000000000000u);
      else repeat(r, 0x7f800000u, 0x7ff0000000000000u);
    }
  }
}

/// Folds the lanes and puts the block's results beside those of the blocks before it.
void Loop::end_block() {
  int place = 0;
  for (const auto& [part, registers] : a_.sums) {
    const Code code = s_.parts[part].code;
    for (std::size_t half = registers.size() / 2; half > 0; half /= 2)
      for (std::size_t v = 0; v < half; ++v)
        fold(code, vector(registers[v]), vector(registers[v]), vector(registers[v + half]));
    fold_lanes_of(code, registers[0], lanes_);
    mov(other_, ptr[rsp]);
    const Xbyak::Address to = ptr[rsp + other_ + 8 + place * most_blocks * size_];
    single_ ? vmovss(to, Xbyak::Xmm(registers[0])) : vmovsd(to, Xbyak::Xmm(registers[0]));
    ++place;
  }
  CodeGenerator::add(qword[rsp], size_);
}

/// Folds the blocks' results, which are few lanes of one block.
void Loop::finish_sums() {
  int place = 0;
  for (const auto& [part, registers] : a_.sums) {
    const StretchPart& p = s_.parts[part];
    const int from = 8 + place * most_blocks * size_, first = registers[0];
    int lanes = most_blocks;
    if (single_ || !wide_) vmovups(Xbyak::Ymm(first), ptr[rsp + from]);
    else vmovups(Xbyak::Zmm(first), ptr[rsp + from]);
    if (!single_ && !wide_) {
      vmovups(Xbyak::Ymm(registers[1]), ptr[rsp + from + 32]);
      fold(p.code, Xbyak::Ymm(first), Xbyak::Ymm(first), Xbyak::Ymm(registers[1]));
      lanes /= 2;
    }
    fold_lanes_of(p.code, first, lanes);
    mov(other_, ptr[table_ + p.out * 8]);
    single_ ? vmovss(ptr[other_], Xbyak::Xmm(first)) : vmovsd(ptr[other_], Xbyak::Xmm(first));
    ++place;
  }
}

/// What the loop reads once: addresses, single numbers and constants.
void Loop::enter() {
  const Xbyak::Reg64 bases[] = {rax, rcx, rdx, r8, r9, r10, r11, rbx, r12, r13};
  std::size_t used = 0;
  const auto hold = [&](std::uint16_t r) {
    if (used == std::size(bases)) return;
    mov(bases[used], ptr[table_ + r * 8]);
    address_.emplace(r, bases[used++]);
  };
  for (const std::vector<std::uint16_t>* list : {&s_.full, &s_.outs})
    for (const std::uint16_t r : *list) hold(r);
  for (const StretchPart& p : s_.parts)
    if (p.columns) hold(p.out);
  for (const std::uint16_t r : s_.single) {
    mov(other_, ptr[table_ + r * 8]);
    const int to = a_.held.at(r);
    if (single_) vbroadcastss(of(r), ptr[other_]);
    else wide_ ? vbroadcastsd(Xbyak::Zmm(to), ptr[other_]) : vbroadcastsd(Xbyak::Ymm(to), ptr[other_]);
  }
  if (a_.sign >= 0) repeat(a_.sign, 0x80000000u, std::uint64_t{1} << 63);
  if (a_.rest >= 0) repeat(a_.rest, 0x7fffffffu, ~(std::uint64_t{1} << 63));
  if (a_.one >= 0) repeat(a_.one, 0x3f800000u, 0x3ff0000000000000u);
}

/// The elements that are left of the last vectors, with those lanes alone.
void Loop::tail() {
  Xbyak::Label done;
  for (vector_ = 0; vector_ < vectors_; ++vector_) {
    mov(whole_, count_);
    sub(whole_, index_);
    sub(whole_, vector_ * lanes_);
    jle(done, T_NEAR);
    if (wide_) {
      mov(other_.cvt32(), -1);
      bzhi(other_.cvt32(), other_.cvt32(), whole_.cvt32());
      kmovw(k7, other_.cvt32());
    } else {
      // As many lanes as are left have their highest bit set.
      mov(other_, lanes_);
      cmp(whole_, other_);
      cmovg(whole_, other_);
      if (!single_) CodeGenerator::add(whole_, whole_);
      neg(whole_);
      lea(other_, ptr[rip + first_lanes_]);
      vmovups(ymm15, ptr[other_ + whole_ * 4 + 32]);
    }
    body(true);
  }
  vector_ = 0;
  L(done);
}

void Loop::write() {
  const Xbyak::Reg64 kept[] = {rbx, rbp, r12, r13, r14, r15};
  for (const Xbyak::Reg64& r : kept) push(r);
  const int room = folds_ > 0 ? 8 + folds_ * most_blocks * size_ : 0;
  if (room > 0) {
    // Where the blocks' results are written next, and these, of blocks that do not come like those of no elements.
    sub(rsp, room);
    mov(qword[rsp], 0);
    start_sums();
    int place = 0;
    for (const auto& [part, registers] : a_.sums) {
      for (int at = 0; at < most_blocks * size_; at += wide_ && !single_ ? 64 : 32) {
        const Xbyak::Address to = ptr[rsp + 8 + place * most_blocks * size_ + at];
        if (wide_ && !single_) vmovups(to, Xbyak::Zmm(registers[0]));
        else vmovups(to, Xbyak::Ymm(registers[0]));
      }
      ++place;
    }
  }
  enter();
  const int group = vectors_ * lanes_;
  Xbyak::Label block, loop, rest, ended;
  xor_(index_, index_);
  L(block);
  if (folds_ > 0) {
    Xbyak::Label whole_block;
    start_sums();
    lea(whole_, ptr[index_ + static_cast<int>(fold_block)]);
    cmp(whole_, count_);
    jle(whole_block);
    mov(whole_, count_);
    and_(whole_, -group);
    L(whole_block);
  } else {
    mov(whole_, count_);
    and_(whole_, -group);
  }
  cmp(index_, whole_);
  jge(rest, T_NEAR);
  L(loop);
  for (vector_ = 0; vector_ < vectors_; ++vector_) body(false);
  vector_ = 0;
  CodeGenerator::add(index_, group);
  cmp(index_, whole_);
  jl(loop, T_NEAR);
  if (folds_ > 0) {
    test(whole_, static_cast<int>(fold_block) - 1);
    jz(ended, T_NEAR);  // a whole block: what follows belongs to the next
  }
  L(rest);
  tail();
  mov(index_, count_);
  L(ended);
  if (folds_ > 0) {
    end_block();
    cmp(index_, count_);
    jl(block, T_NEAR);
    finish_sums();
    CodeGenerator::add(rsp, room);
  }
  vzeroupper();
  for (std::size_t i = std::size(kept); i-- > 0;) pop(kept[i]);
  ret();
  if (!wide_) {
    align(32);
    L(first_lanes_);
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
    case Code::minimum: case Code::select: case Code::row_sum: case Code::row_max: case Code::row_min:
      return true;
    default: return is_comparison(code);
  }
}

bool small_enough(const Stretch& stretch) {
  const std::size_t ports = stretch.full.size() + stretch.outs.size() + folded_columns(stretch);
  if (level() == 0 || ports > most_stretch_ports) return false;
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
