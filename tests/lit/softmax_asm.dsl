// exp is a polynomial in zmm registers: no call of a mathematical function, no branch per element.
// RUN: %tegula compile %tutorials/02-softmax/softmax.dsl --emit asm --arch avx512 | FileCheck %s
// RUN: %tegula compile %tutorials/02-softmax/softmax.dsl --emit asm --arch avx512 | %loops | FileCheck %s --check-prefix=LOOP
// CHECK: tg_softmax:
// CHECK-NOT: {{call.*exp|@PLT}}
// CHECK: vfmadd{{.*}}zmm
// CHECK-NOT: {{call.*exp|@PLT}}
// LOOP: loop: fma={{[5-9]|[1-9][0-9]+}} stack=0 calls=0 masks=0 width=zmm
