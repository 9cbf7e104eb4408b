// The place of an extreme along a short axis takes 32 bits a lane, and is divided in 32 bits: vectors of 64 have no division. So are indices whose range
// is known. An axis whose length is not known keeps 64. The extreme itself, found beside its place, needs no tests of its own, of NaN or other.
// RUN: %tegula compile %s --kernel window --arch avx512 --emit llvm | FileCheck %s --check-prefix=WINDOW
// RUN: %tegula compile %s --kernel digits --arch avx2 --emit llvm | FileCheck %s --check-prefix=DIGITS
// RUN: %tegula compile %s --kernel whole --arch avx512 --emit llvm | FileCheck %s --check-prefix=WHOLE
// RUN: %tegula compile %s --kernel both --arch avx512 --emit llvm | FileCheck %s --check-prefix=BOTH
// RUN: %tegula run %s --kernel both --set M=9 --set N=53 --check | FileCheck %s --check-prefix=SAME
// RUN: %tegula run %s --kernel window --set N=53 --check | FileCheck %s --check-prefix=SAME
// RUN: %tegula run %s --kernel digits --set N=1003 --check | FileCheck %s --check-prefix=SAME
// RUN: %tegula run %s --kernel none --set N=0 --set M=19 --check | FileCheck %s --check-prefix=SAME
// An axis that may end below -1 says nothing of a place that is -1 then.
// RUN: %tegula compile %s --kernel ends --emit passes | FileCheck %s --check-prefix=ENDS
// RUN: %tegula run %s --kernel ends --set N=5 --check | FileCheck %s --check-prefix=SAME
// ENDS: load %W
// ENDS-NOT: in_bounds
// ENDS-SAME: tile<
kernel ends(in f32 X[N], in f32 W[2 * N - 9], out f32 Y[N])
{
    grid (n in N) {
        axis k in N until N - 10;
        Y[n] = W[argmax(X[k] * X[n], k) + N + 1];
    }
}
kernel window(in f32 X[35, N], out i64 Q[N], out i64 R[N], out i64 P[N])
{
    grid (n in N) {
        axis v in 35;
        let a = argmax(X[v, n], v), b = argmin(X[v, n], v);
        Q[n] = a / 7;
        R[n] = (a - 40) % 7; // below 0
        P[n] = b;
    }
}
kernel digits(in u8 X[N], out i64 Q[N], out i64 R[N])
{
    grid (n in N) {
        let v = 3 - int(X[n]);
        Q[n] = v / 10;
        R[n] = v % 10;
    }
}
kernel whole(in f32 X[M, N], out i64 P[N])
{
    grid (n in N) {
        axis m in M;
        P[n] = argmax(X[m, n], m);
    }
}
kernel none(in f32 X[M, N], in f32 Y[N, M], out i64 P[M])
{
    grid (m in M) {
        axis n in N;
        P[m] = argmax(Y[n, m], n);
    }
}
kernel both(in f32 X[M, N], out f32 Y[N], out f32 Z[N], out i64 P[N])
{
    grid (n in N) {
        axis m in M;
        let y = max(X[m, n], m), z = min(X[m, n], m), p = argmax(X[m, n], m), q = argmin(X[m, n], m);
        Y[n] = y;
        Z[n] = z;
        P[n] = p - q;
    }
}
// BOTH-NOT: fcmp uno <16 x float>
// BOTH: fcmp ugt <16 x float>
// BOTH-NOT: fcmp uno <16 x float>
// WINDOW-NOT: {{[us]div|[us]rem}} <{{[0-9]+}} x i64>
// WINDOW: sdiv <16 x i32>
// WINDOW-NOT: {{[us]div|[us]rem}} <{{[0-9]+}} x i64>
// DIGITS-NOT: {{[us]div|[us]rem}} <{{[0-9]+}} x i64>
// DIGITS: sdiv <8 x i32>
// DIGITS-NOT: {{[us]div|[us]rem}} <{{[0-9]+}} x i64>
// WHOLE: select <16 x i1> {{.*}}, <16 x i64>
// SAME: check ok
