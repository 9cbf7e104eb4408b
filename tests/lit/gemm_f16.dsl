// f16 is converted in vectors by the F16C instructions.
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit asm --arch avx512 --dtype f16 | FileCheck %s
// CHECK-NOT: __{{trunc|extend|gnu}}
// CHECK-DAG: vcvtph2ps {{.*}}zmm
// CHECK-DAG: vcvtps2ph
