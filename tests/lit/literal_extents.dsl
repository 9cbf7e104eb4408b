// Extents that are numbers, named or not, and sums of dimensions are facts: no load of these is tested.
// RUN: %tegula compile %s --emit passes | FileCheck %s
// CHECK: load %P, {{.*}} {in_bounds=3}
// CHECK: load %Q, {{.*}} {in_bounds=3}
// CHECK: load %R, {{.*}} {in_bounds=1}
// CHECK: load %R, {{.*}} {in_bounds=1}
const int LANES = 3;
kernel columns(in f32 P[N, LANES], in f32 Q[N, 2], in f32 R[2 * N + 1], out f32 Y[N])
{
    grid (n in N) Y[n] = P[n, 2] + Q[n, 1] + R[2 * n] + R[2 * n + 1];
}
