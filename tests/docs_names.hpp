#pragma once
// Functions of NumPy and keras.ops that have another name here, or are not here, and why.

struct OtherName {
  const char* theirs;
  const char* ours;
};

struct Missing {
  const char* reason;
  const char* names;
};

inline constexpr OtherName other_names[] = {
    {"absolute", "`abs`"},
};

inline constexpr Missing missing_names[] = {
    {"complex numbers are not an element type", "angle conj conjugate imag real"},
};
