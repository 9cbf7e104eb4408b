// Once the list is full, vectors without a larger value than its last are passed over.
// RUN: %tegula compile %s --arch avx2 --emit llvm | FileCheck %s
// RUN: %tegula run %s --set M=3 N=1003 --check | FileCheck %s --check-prefix=SAME
kernel best(in f32 X[M, N], out f32 Y[M, 4], out i64 I[M, 4])
{
    grid (each m in M) {
        axis j in N, k in 4;
        let (v, p) = topk(X[m, j], j, k);
        Y[m, k] = v;
        I[m, k] = p;
    }
}
// CHECK: fcmp ogt <8 x float>
// CHECK: llvm.vector.reduce.or.v8i1
// SAME: check ok
