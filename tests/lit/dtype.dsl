// Types are chosen on the command line; what the bound does not allow is an error.
// RUN: %tegula compile %tutorials/01-vector-add/vector_add.dsl --kernel add --emit tile --dtype i8 | FileCheck %s
// RUN: not %tegula compile %tutorials/03-gemm/gemm.dsl --emit tile --dtype i8 2>&1 | FileCheck %s --check-prefix=ERROR
// CHECK: in %A: tensor<1 x i8>
// CHECK: add {{.*}} : tile<#i x i8>
// ERROR: not a type that T
