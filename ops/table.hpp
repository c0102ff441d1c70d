#pragma once
/// The table of every operation: a row a public function, family by family. Internal to ops/ and diff/; tests walk it.

#include <xgrad/graph/samples.hpp>

#include <array>

namespace xgrad {

Rows function_rows();          ///< ops/elementwise.hpp: functions of one argument, powers
Rows choice_rows();            ///< ops/elementwise.hpp: comparisons, maximum, where
Rows trigonometric_rows();     ///< ops/elementwise.hpp: angles, hyperbolic functions, other bases
Rows rounding_rows();          ///< ops/elementwise.hpp: rounding, remainders, signs, NaN
Rows bitwise_rows();
Rows special_rows();
Rows activation_rows();
Rows unit_rows();              ///< ops/activation.hpp: smooth activations
Rows piecewise_rows();         ///< ops/activation.hpp: piecewise activations, glu and sparsemax
Rows reduce_rows();
Rows reduce_prod_rows();       ///< ops/reduce.hpp: products, reductions that leave out NaN
Rows reduce_norm_rows();       ///< ops/reduce.hpp: norms
Rows reduce_quantile_rows();   ///< ops/reduce.hpp: quantiles
Rows scan_rows();
Rows product_rows();
Rows einsum_rows();
Rows attention_rows();
Rows convolution_rows();       ///< ops/convolution.hpp
Rows unfold_rows();            ///< ops/convolution.hpp: windows and blocks as channels
Rows linalg_rows();
Rows decomposition_rows();
Rows compare_rows();
Rows shape_rows();
Rows join_rows();              ///< ops/shape.hpp: concatenate, stack and slices
Rows join_split_rows();        ///< ops/shape.hpp: hstack and its kin, split and its kin
Rows shape_repeat_rows();      ///< ops/shape.hpp: tile, repeat, flip, roll
Rows shape_pad_rows();         ///< ops/shape.hpp: pad
Rows shape_diagonal_rows();    ///< ops/shape.hpp: diagonals and triangles
Rows creation_rows();
Rows indexing_rows();
Rows along_rows();             ///< ops/indexing.hpp: take_along_axis, put_along_axis
Rows mask_rows();              ///< ops/indexing.hpp: masks and choices
Rows scatter_rows();
Rows sorting_rows();
Rows windows_rows();
Rows numbers_rows();
Rows grids_rows();
Rows sets_rows();
Rows statistics_rows();
Rows interpolation_rows();  ///< ops/statistics.hpp: along an axis
Rows nan_rows();            ///< ops/reduce.hpp: places and quantiles that leave out NaN
Rows random_rows();
Rows family_rows();   ///< ops/random.hpp: continuous distributions with parameters
Rows choices_rows();  ///< ops/random.hpp: integers, counts, orders and choices

/// All families.
inline auto all_rows() {
  return std::array{
      arithmetic_rows(),       //
      reshape_rows(),          //
      function_rows(),         //
      choice_rows(),           //
      trigonometric_rows(),    //
      rounding_rows(),         //
      bitwise_rows(),          //
      special_rows(),          //
      activation_rows(),       //
      unit_rows(),             //
      piecewise_rows(),        //
      reduce_rows(),           //
      reduce_prod_rows(),      //
      reduce_norm_rows(),      //
      reduce_quantile_rows(),  //
      scan_rows(),             //
      product_rows(),          //
      einsum_rows(),           //
      attention_rows(),        //
      convolution_rows(),      //
      unfold_rows(),           //
      linalg_rows(),           //
      decomposition_rows(),    //
      compare_rows(),          //
      shape_rows(),            //
      join_rows(),             //
      join_split_rows(),       //
      shape_repeat_rows(),     //
      shape_pad_rows(),        //
      shape_diagonal_rows(),   //
      creation_rows(),         //
      indexing_rows(),         //
      along_rows(),            //
      mask_rows(),             //
      scatter_rows(),          //
      sorting_rows(),          //
      windows_rows(),          //
      numbers_rows(),          //
      grids_rows(),            //
      sets_rows(),             //
      statistics_rows(),       //
      interpolation_rows(),    //
      nan_rows(),              //
      random_rows(),           //
      family_rows(),           //
      choices_rows(),          //
  };
}

}  // namespace xgrad
