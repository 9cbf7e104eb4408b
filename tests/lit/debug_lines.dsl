// --debug puts the lines of the source into the object; without it there are none.
// RUN: %tegula compile %s --emit asm --debug | FileCheck %s
// RUN: %tegula compile %s --emit asm | FileCheck %s --check-prefix=PLAIN
// CHECK: .loc {{[0-9]+}} 9
// PLAIN-NOT: .loc
kernel copy(in f32 A[N], out f32 B[N])
{
    grid (i in N) {
        B[i] = A[i] * 2.0;
    }
}
