// Reductions of the same elements share their loop, although what they give is stored in between; not where one needs the other.
// RUN: %tegula compile %s --kernel both --emit plan | FileCheck %s --check-prefix BOTH
// RUN: %tegula compile %s --kernel spread --emit plan | FileCheck %s --check-prefix SPREAD
// BOTH: nest | i {{.*}}: reduce add -> %{{.*}}, reduce max -> %{{.*}}, reduce argmax
// BOTH-NOT: reduce
// SPREAD: nest | i {{.*}}: reduce add -> %{{[a-z0-9]+$}}
// SPREAD: nest | i {{.*}}: reduce add
kernel both(in f32 X[N], in i32 off[S + 1], out f32 Y[S], out f32 Z[S], out i32 A[S]) where sorted(off)
{
    grid (each s in S) {
        axis i in N from off[s] until off[s + 1];
        Y[s] = sum(X[i], i) * 0.5;
        Z[s] = max(X[i], i);
        A[s] = i32(argmax(X[i], i));
    }
}
kernel spread(in f32 X[N], in i32 off[S + 1], out f32 Y[S]) where sorted(off)
{
    grid (each s in S) {
        axis i in N from off[s] until off[s + 1];
        let m = sum(X[i], i);
        Y[s] = sum((X[i] - m) * (X[i] - m), i);
    }
}
