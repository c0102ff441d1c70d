#!/usr/bin/env bash
# layout_test.sh CHECK SOURCE COMPILER INCLUDE: one check of how the sources are laid out. Prints each place that
# breaks the rule and fails if there is any. INCLUDE is the build tree's folder that holds xgrad/.
set -euo pipefail
export LC_ALL=C.UTF-8
check=$1 compiler=$3 include=$4
cd "$2"

folders=(kernels graph ops diff optim data io report nn)
failed=0
complain() {
  printf '%s\n' "$1"
  failed=1
}

# A header whose first lines say "Internal to graph/ and ops/" is what the sources of those folders share: no other
# folder includes it and it is not installed.
is_internal() { head -n 5 "$1" | grep -q 'Internal to '; }
internal_to() { head -n 5 "$1" | sed -nE 's/.*Internal to ([a-z, /]*).*/\1/p' | grep -oE '[a-z]+/' | tr -d /; }

# Files that may be longer than 500 lines, each with its reason.
long_files=(
)

listed() {
  local name=$1 entry
  shift
  for entry in "$@"; do [ "$entry" = "$name" ] && return 0; done
  return 1
}

# Every text file of the project, without what builds leave behind.
project_files() {
  find . -path ./.git -prune -o -path ./build -prune -o -type f -printf '%P\n' | grep -vE '\.(gz|npy|npz|safetensors|png)$'
}
code_files() { project_files | grep -E '\.(hpp|cpp)$'; }
library_files() { code_files | grep -E "^($(IFS='|'; echo "${folders[*]}"))/|^xgrad\.hpp$"; }

# Which folders a folder may include from, itself always.
uses() {
  case $1 in
    kernels) echo kernels ;;
    graph) echo kernels graph ;;
    ops) echo kernels graph ops ;;
    nn) echo "${folders[@]}" ;;
    *) echo kernels graph ops "$1" ;;
  esac
}

check_includes() {
  local folder file line target
  for folder in "${folders[@]}"; do
    while IFS=: read -r file line target; do
      listed "$target" $(uses "$folder") || complain "$file:$line: $folder/ may not include from $target/"
    done < <(grep -nE '^\s*#\s*include\s*<xgrad/' "$folder" -r --include='*.?pp' |
             sed -E 's|^([^:]*):([0-9]+):.*<xgrad/([^/>]*)[/>].*|\1:\2:\3|')
  done
  for file in $(library_files | grep 'hpp$'); do
    is_internal "$file" || continue
    for line in $(library_files | xargs grep -lF "<xgrad/$file>" /dev/null || true); do
      listed "${line%%/*}" $(internal_to "$file") || complain "$line: may not include $file: $(grep -o 'Internal.*' "$file")"
      [[ $line != *.hpp ]] || is_internal "$line" || complain "$line: is public but includes $file, which is not"
    done
  done
  while read -r line; do
    complain "$line: write <xgrad/folder/file.hpp>"
  done < <(library_files | xargs -r grep -nE '^\s*#\s*include\s*"' /dev/null)
  while read -r line; do
    complain "$line: tests include the narrow headers"
  done < <(grep -rn 'include <xgrad/xgrad.hpp>' tests --include='*_test.cpp' || true)
}

# Which package is seen where.
check_packages() {
  local file
  for file in $(library_files | xargs grep -lE '#\s*include\s*<cblas' /dev/null || true); do
    [[ $file == kernels/products.cpp || $file == kernels/blas.cpp ]] ||
      complain "$file: OpenBLAS is called in kernels/products.cpp and set up in kernels/blas.cpp"
  done
  local blas=($(library_files | xargs grep -lE '#\s*include\s*<xtensor-blas/' /dev/null || true))
  [ ${#blas[@]} -le 1 ] || complain "${blas[*]}: xtensor-blas belongs in one file"
  for file in "${blas[@]}"; do
    [[ $file == kernels/*.cpp ]] || complain "$file: xtensor-blas belongs in one source of kernels/"
  done
  for file in $(library_files | xargs grep -lE '#\s*include\s*<xtensor/' /dev/null || true); do
    [[ $file == kernels/*.cpp || $file == io/xtensor.* ]] || complain "$file: xtensor is seen in kernels/ and its bridge"
  done
  for file in $(library_files | xargs grep -lE '#\s*include\s*<xsimd/' /dev/null || true); do
    [[ $file == kernels/* ]] || complain "$file: xsimd is seen in kernels/ alone"
  done
  for file in $(library_files | xargs grep -lE '#\s*include\s*<xbyak/' /dev/null || true); do
    [ "$file" = kernels/stretch.cpp ] || complain "$file: xbyak is seen in kernels/stretch.cpp alone"
  done
  for file in $(library_files | grep 'hpp$' | xargs grep -lE '#\s*include\s*<(nlohmann/|zlib|png\.h)' /dev/null || true); do
    complain "$file: nlohmann/json, zlib and libpng stay in sources"
  done
}

check_light() {
  local line
  while read -r line; do
    is_internal "${line%%:*}" || complain "$line: too heavy for a header of graph/ or ops/"
  done < <(grep -rnE '^\s*#\s*include\s*<(memory|functional|algorithm|random|iostream)>' graph ops --include='*.hpp')
}

budget() {
  local header=$1 most=$2 lines
  lines=$(echo "#include <xgrad/$header>" | "$compiler" -std=c++20 -E -P -I"$include" -x c++ - | wc -l)
  printf '%-32s %6d of %d lines\n' "$header" "$lines" "$most"
  [ "$lines" -le "$most" ] || complain "$header: $lines lines after preprocessing, at most $most are allowed"
}
check_budgets() {
  local header
  budget graph/tensor.hpp 25000
  for header in $(find ops -name '*.hpp' | sort); do is_internal "$header" || budget "$header" 25000; done
  for header in $(find nn optim -name '*.hpp' | sort); do is_internal "$header" || budget "$header" 50000; done
  budget xgrad.hpp 60000
}

check_macros() {
  local line
  while read -r line; do
    complain "$line: no macros"
  done < <(code_files | grep -v '^tests/' | xargs -r grep -nE '^\s*#\s*define\b' /dev/null)
  for line in $(code_files | grep 'hpp$'); do
    grep -qE '^#pragma once' "$line" || complain "$line: no #pragma once"
  done
}

check_lengths() {
  local file lines
  while read -r lines file; do
    [ "$file" != total ] && [ "$lines" -gt 500 ] || continue
    listed "$file" "${long_files[@]}" || complain "$file: $lines lines; split it by meaning, or list it with its reason"
  done < <(project_files | grep -E '\.(hpp|cpp|sh|cmake)$|CMakeLists\.txt$|^scripts/' | xargs wc -l)
  while read -r line; do
    complain "$line: longer than 120 columns"
  done < <(code_files | xargs grep -nE '^.{121,}' /dev/null | cut -c1-100)
}

check_words() {
  local line
  while read -r line; do
    complain "$line"
  done < <(project_files | xargs grep -nIE '\b(TO[D]O|FIX[M]E|XX[X])\b|/(wor[k]|tm[p]|roo[t]|hom[e])/|localhost:[0-9]' /dev/null)
}

# xgrad.hpp includes every public header above kernels/, but for those that a program opts into.
check_umbrella() {
  local header
  for header in $(printf '%s/\n' "${folders[@]:1}" | xargs -I{} find {} -name '*.hpp' | sed 's|//|/|' | sort); do
    if head -n 3 "$header" | grep -q '^/// Opt-in'; then
      ! grep -qF "<xgrad/$header>" xgrad.hpp || complain "xgrad.hpp includes $header, which is to be opted into"
    elif is_internal "$header"; then
      ! grep -qF "<xgrad/$header>" xgrad.hpp || complain "xgrad.hpp includes $header, which is internal"
    else
      grep -qF "#include <xgrad/$header>" xgrad.hpp || complain "xgrad.hpp does not include $header"
    fi
  done
}

"check_$check"
exit $failed
