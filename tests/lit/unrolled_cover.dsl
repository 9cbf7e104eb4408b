// Stores in an `unroll for` whose length is a constant of the kernel: how many there are is not known when the kernel is looked at, so nothing is said
// of what they miss. Of a known length, it is.
// RUN: %tegula compile %s --kernel all --set s=3 --emit plan 2>&1 | FileCheck %s --implicit-check-not "out Y"
// CHECK: out Z may miss elements
// CHECK: nest
kernel all(in f32 X[M], out f32 Y[N], const int s = 2)
    where s > 0, N == M * s
{
    grid (m in M) unroll for (int i = 0; i < s; i += 1) Y[m * s + i] = X[m];
}
kernel some(in f32 X[M], out f32 Z[N])
    where N == M * 3
{
    grid (m in M) unroll for (int i = 1; i < 3; i += 1) Z[m * 3 + i] = X[m];
}
