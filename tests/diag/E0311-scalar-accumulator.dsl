kernel causal_filter(in f32 X[L, D], in f32 W[D, K], out f32 Y[L, D])
{
    grid (t in L, d in D) {
        f32 acc = 0;
        for (k in K) acc += X[t - K + 1 + k, d] * W[d, k];
        Y[t, d] = acc;
    }
}
