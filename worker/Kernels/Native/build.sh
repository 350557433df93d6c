#!/bin/sh
# Builds libgeneration_kernels.so: build.sh SOURCES OUTPUT [COMPILER]. Each file of a folder is compiled for the instructions of its name.
# Says on its last line why there is no library, and ends with 2 where no compiler can build it, or 1 where the build failed.
set -u
sources=$1 output=$2 asked=${3:-}
work=$(dirname "$output")
mkdir -p "$work/objects.$$"
trap 'rm -rf "$work/objects.$$"' EXIT

common="-std=c++17 -O3 -DNDEBUG -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-math-errno -Wall -Wextra"
vectors="-mavx2 -mfma -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx512vbmi -mavx512bf16"
# GCC 12 warns of its own intrinsics' headers
vectors="$vectors -Wno-uninitialized"
tiles="$vectors -mamx-tile -mamx-bf16"

compiler=
for each in ${asked:-${CXX:-} g++ c++ clang++}; do
  if command -v "$each" > /dev/null 2>&1; then
    if echo 'int main() {}' | "$each" $common $tiles -x c++ -fsyntax-only - 2> "$work/compiler.log"; then compiler=$each; break; fi
    compiler=old
  fi
done
case $compiler in
  '') echo 'there is no C++ compiler (on Debian and Ubuntu: apt install g++)'; exit 2;;
  old) echo 'the C++ compiler does not know AMX and AVX512_BF16: g++ from 11, clang++ from 12'; exit 2;;
esac

objects= jobs=
for file in "$sources"/*.cpp "$sources"/*/*.cpp; do
  case $file in
    */amx_bf16.cpp) flags=$tiles;;
    */avx512_bf16.cpp) flags=$vectors;;
    *) flags=;;
  esac
  object=$work/objects.$$/$(basename "$(dirname "$file")")-$(basename "$file" .cpp).o
  "$compiler" $common $flags -c "$file" -o "$object" &
  objects="$objects $object" jobs="$jobs $!"
done
for job in $jobs; do
  if ! wait "$job"; then failed=yes; fi
done
if [ "${failed:-no}" = yes ]; then echo 'it did not compile'; exit 1; fi

# nothing of the C++ library is used, so that none is needed where this runs
if ! "$compiler" -shared -nodefaultlibs -Wl,--no-undefined -Wl,-z,now $objects -lc -lgcc -o "$output.$$"; then echo 'it did not link'; exit 1; fi
mv -f "$output.$$" "$output"
