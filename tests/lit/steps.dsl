// Every second, third or fourth element: vectors and their shuffles. The last vector ends with the last element.
// RUN: %tegula compile %s --arch avx2 --kernel second --emit llvm | FileCheck %s --check-prefix=SECOND
// RUN: %tegula compile %s --arch avx2 --kernel fifth --emit llvm | FileCheck %s --check-prefix=FIFTH
// SECOND: shufflevector <8 x float> {{.*}} <8 x i32> <i32 0, i32 2, i32 4, i32 6, i32 9, i32 11, i32 13, i32 15>
kernel second(in f32 X[M], out f32 Y[N])
    where M == 2 * N
{
    grid (n in N) Y[n] = X[2 * n];
}
// FIFTH-NOT: shufflevector <8 x float>
// FIFTH: extractelement <8 x ptr>
kernel fifth(in f32 X[M], out f32 Y[N])
    where M == 5 * N
{
    grid (n in N) Y[n] = X[5 * n];
}
