// `assert` is in the code of checked builds only.
// RUN: %tegula compile %s --emit passes --checked | FileCheck %s --check-prefix=CHECKED
// RUN: %tegula compile %s --emit passes | FileCheck %s
// CHECKED: assert
// CHECK-NOT: assert
kernel positive(in f32 A[N], out f32 B[N])
{
    grid (i in N) {
        assert(A[i] > 0.0);
        B[i] = 1.0 / A[i];
    }
}
