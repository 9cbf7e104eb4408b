// Three walks of a row: the maximum, the sum with the exponentials kept, the store.
// RUN: %tegula compile %tutorials/02-softmax/softmax.dsl --emit plan --arch avx512 | FileCheck %s
// CHECK: nest i | j x16{{.*}}: reduce max
// CHECK-NEXT: nest i | j x64{{.*}} reduce add
// CHECK-NEXT: nest i j x16{{.*}}: store
// CHECK-NOT: nest
