// bf16 is widened and narrowed in vectors; no conversion is left as a call.
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit asm --arch avx512 --dtype bf16 | FileCheck %s
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit asm --arch avx512 --dtype bf16 | %loops | FileCheck %s --check-prefix=LOOP
// CHECK-NOT: {{__trunc|__extend|callq.*bf}}
// CHECK-DAG: vpmovzxwd {{.*}}zmm
// CHECK-DAG: vpslld $16, {{.*}}zmm
// CHECK-DAG: vpmovdw
// LOOP: loop: fma={{[1-9][0-9]+}} {{.*}} calls=0
