/// Matrix products. Any operand may be transposed or lie with any strides: that is the tensor's, not the kernel's, affair.
/// Epilogues run on the accumulator, before it is rounded to the type of C.
import "std/activate": activate;

/// C = act(alpha A B + bias) + residual
kernel matmul<T: float>(in T A[M, K], in T B[K, N], in? T bias[N], in? T residual[M, N], out T C[M, N],
                        f32 alpha = 1, const int act = 0)
{
    grid (m in M, n in N) {
        wide(T) acc[m, n] = 0;
        for (k in K) acc += dot(A[m, k], B[k, n], k);
        acc *= alpha;
        if (bias) acc += widen(bias[n]);
        acc = activate(acc, act, 0);
        if (residual) acc += widen(residual[m, n]);
        C[m, n] = T(acc);
    }
}

/// The same for a batch of matrices. (The batch is not called B: a tensor is.)
kernel matmul_batched<T: float>(in T A[P, M, K], in T B[P, K, N], in? T bias[N], in? T residual[P, M, N], out T C[P, M, N],
                                f32 alpha = 1, const int act = 0)
{
    grid (each p in P, m in M, n in N) {
        wide(T) acc[m, n] = 0;
        for (k in K) acc += dot(A[p, m, k], B[p, k, n], k);
        acc *= alpha;
        if (bias) acc += widen(bias[n]);
        acc = activate(acc, act, 0);
        if (residual) acc += widen(residual[p, m, n]);
        C[p, m, n] = T(acc);
    }
}

/// y = alpha A x + beta z, one pass over A
kernel matvec<T: float>(in T A[M, K], in T x[K], in? T z[M], out T y[M], f32 alpha = 1, f32 beta = 1)
{
    grid (m in M) {
        wide(T) acc[m] = 0;
        for (k in K) acc += sum(widen(A[m, k]) * widen(x[k]), k);
        acc *= alpha;
        if (z) acc += beta * widen(z[m]);
        y[m] = T(acc);
    }
}

/// Mixture of experts: rows off[e] … off[e + 1] of X times the matrix of expert e.
kernel matmul_grouped<T: float>(in T X[R, K], in i32 off[E + 1], in T W[E, K, N], in? T bias[E, N], out T Y[R, N],
                                const int act = 0)
    where sorted(off)
{
    grid (each e in E, m in R from off[e] until off[e + 1], n in N) {
        wide(T) acc[m, n] = 0;
        for (k in K) acc += dot(X[m, k], W[e, k, n], k);
        if (bias) acc += widen(bias[e, n]);
        Y[m, n] = T(activate(acc, act, 0));
    }
}

/// 8-bit integers, exact in 32 bits, then one scale per row of A and one per column of B.
kernel matmul_i8<T: f16 | bf16 | f32>(in i8 A[M, K], in i8 B[K, N], in f32 sa[M], in f32 sb[N], in? f32 bias[N],
                                      out T C[M, N], const int act = 0)
{
    grid (m in M, n in N) {
        i32 acc[m, n] = 0;
        for (k in K) acc += dot(A[m, k], B[k, n], k);
        let s = f32(acc) * sa[m] * sb[n];
        f32 y[m, n] = s;
        if (bias) y += bias[n];
        C[m, n] = T(activate(y, act, 0));
    }
}

/// 4-bit weights W[n, k]: (W - Z) S with a zero point and a scale per G weights, dequantised as they are read.
kernel matmul_w4<T: f16 | bf16 | f32>(in T A[M, K], in u4 W[N, K], in T S[N, KG], in u4 Z[N, KG], in? T bias[N], out T C[M, N],
                                      const int G = 128, const int act = 0)
    where KG == ceil_div(K, G)
{
    grid (m in M, n in N) {
        f32 acc[m, n] = 0;
        for (k in K) {
            let w = T((f32(W[n, k]) - f32(Z[n, k / G])) * f32(S[n, k / G]));
            acc += dot(A[m, k], w, k);
        }
        if (bias) acc += widen(bias[n]);
        C[m, n] = T(activate(acc, act, 0));
    }
}

/// A block-sparse matrix times a dense one: block row r holds blocks V[z] of S by S, z from row[r] until row[r + 1], at block
/// column col[z]. Blocks beyond B count as zero.
kernel matmul_block_sparse<T: float>(in T V[Z, const S, const S], in i32 row[R + 1], in i32 col[Z], in T B[K, N], out T C[M, N])
    where M == R * S
{
    grid (each r in R, n in N) {
        axis p in S, q in S;
        wide(T) acc[p, n] = 0;
        for (each z in Z from row[r] until row[r + 1])
            acc += dot(V[z, p, q], B[int(col[z]) * S + q, n], q);
        C[r * S + p, n] = T(acc);
    }
}
