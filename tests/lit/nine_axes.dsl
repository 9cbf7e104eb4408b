// A product of nine axes, six of them of the result: more than a tile has, in the nest for every machine.
// RUN: %tegula run %s --kernel nine --set P=2 Q=2 R=3 S=2 U=2 V=3 W=5 X=3 Y=2 --arch v2 --check --repeat 1 | FileCheck %s
// RUN: %tegula run %s --kernel nine --set P=2 Q=2 R=3 S=2 U=2 V=3 W=5 X=3 Y=2 --baseline --check --repeat 1 | FileCheck %s
// CHECK: check ok: 144 elements

kernel nine(in f32 A[P, Q, R, S, U, V, W], in f32 B[X, Y, U, V, W], out f32 C[P, Q, R, S, X, Y])
{
    grid (p in P, x in X, y in Y, q in Q, r in R, s in S) {
        axis u in U; axis v in V; axis w in W;
        C[p, q, r, s, x, y] = dot(A[p, q, r, s, u, v, w], B[x, y, u, v, w], u, v, w);
    }
}
