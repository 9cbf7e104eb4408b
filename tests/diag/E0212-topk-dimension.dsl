kernel largest(in f32 X[M, N], out f32 V[M, K], out i32 I[M, K])
{
    grid (i in M) {
        axis j in N, k in K;
        let (v, x) = topk(X[i, j], j, k);
        V[i, k] = v;
        I[i, k] = i32(x);
    }
}
