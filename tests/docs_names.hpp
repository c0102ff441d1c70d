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
    {"append", "`concatenate`"},
    {"argpartition", "`argsort`"},
    {"around", "`round`"},
    {"array", "`tensor`"},
    {"array2string", "`to_string` with `PrintOptions`"},
    {"array_repr", "`to_string`"},
    {"array_str", "`to_string`"},
    {"asanyarray", "`tensor`"},
    {"asarray", "`tensor`"},
    {"astype", "`cast`"},
    {"bitwise_invert", "`bitwise_not`"},
    {"bitwise_left_shift", "`left_shift`"},
    {"bitwise_right_shift", "`right_shift`"},
    {"concat", "`concatenate`"},
    {"convert_to_numpy", "`Tensor::to_vector`, `Tensor::data`"},
    {"convert_to_tensor", "`tensor`"},
    {"copy", "assignment: tensors never change"},
    {"cumulative_prod", "`cumprod`"},
    {"cumulative_sum", "`cumsum`"},
    {"dtype", "`Tensor::dtype`"},
    {"empty", "`zeros`"},
    {"empty_like", "`zeros_like`"},
    {"format_float_positional", "`to_string` with `PrintOptions`"},
    {"format_float_scientific", "`to_string` with `PrintOptions`"},
    {"from_dlpack", "`borrow`"},
    {"frombuffer", "`borrow`, `tensor`"},
    {"fromiter", "`tensor` of a std::vector"},
    {"genfromtxt", "`data::read_csv`"},
    {"get_item", "`slice`, `take`"},
    {"get_printoptions", "`PrintOptions`"},
    {"is_tensor", "the type says it"},
    {"isdtype", "`is_floating`"},
    {"load", "`load_safetensors`"},
    {"loadtxt", "`data::read_csv`"},
    {"logdet", "`slogdet`"},
    {"ndim", "`Tensor::rank`"},
    {"partition", "`sort`"},
    {"printoptions", "`PrintOptions`"},
    {"rollaxis", "`moveaxis`"},
    {"row_stack", "`vstack`"},
    {"save", "`save_safetensors`"},
    {"savez", "`save_safetensors`"},
    {"set_printoptions", "`PrintOptions`"},
    {"shape", "`Tensor::shape`"},
    {"size", "`Tensor::size`"},
    {"true_divide", "`divide`"},
    {"unique_all", "`unique`"},
    {"unique_counts", "`unique`"},
    {"unique_inverse", "`unique`"},
    {"unique_values", "`unique`"},
    {"view", "`reshape`"},
};

inline constexpr Missing missing_names[] = {
    {"complex numbers are not an element type",
     "angle conj conjugate eig eigvals fft fft2 ifft2 imag irfft iscomplex iscomplexobj isreal isrealobj istft polar "
     "real real_if_close rfft sort_complex stft view_as_complex view_as_real"},
    {"C++'s own loops, conditions and functions do it, and record what they run",
     "apply_along_axis apply_over_axes associative_scan fori_loop fromfunction frompyfunc map nested_iters piecewise "
     "scan switch vectorize vectorized_map while_loop"},
    {"tensors never change; `where`, the scatter functions and `concatenate` make new ones",
     "copyto delete insert put putmask resize slice_update"},
    {"dates, bytes, text and Python's own objects are not tensors",
     "asfortranarray ascontiguousarray asarray_chkfinite asmatrix base_repr binary_repr busday_count "
     "busday_offset can_cast common_type datetime_as_string datetime_data fromfile fromregex fromstring get_include "
     "getbufsize geterr geterrcall info is_busday isfortran isnat isscalar issubdtype iterable may_share_memory "
     "min_scalar_type mintypecode packbits promote_types require result_type savetxt savez_compressed setbufsize "
     "seterr seterrcall shares_memory show_config show_runtime test typename unpackbits"},
    {"layers of neural networks: they come with the layers",
     "batch_normalization extract_sequences layer_normalization multi_hot rms_normalization"},
    {"nested lists of blocks: `concatenate` of `concatenate`", "block bmat"},
    {"polynomials: `vander`, `matmul` and `lstsq` evaluate and fit them",
     "poly polyadd polyder polydiv polyfit polyint polymul polysub polyval roots"},
    {"`einsum` chooses its order itself", "einsum_path"},
    {"the places where a mask is true: `nonzero(tri(n, n, k, {.dtype = bool_}))` and the like", "mask_indices"},
    {"an operation with a derivative of one's own is an `Op`, see CONTRIBUTING.md", "custom_gradient"},
    {"a language of its own for what `reshape` and `transpose` do", "rearrange"},
    {"LU factors stay inside `solve`, `inv` and `det`, which are differentiable", "lu_factor"},
};
