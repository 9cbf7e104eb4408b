kernel k(in f32 X[N, M], out f32 Y[N, M]) {
    grid (i in N) {
        axis j in M;
        let m = max(X[i, j], axis=1);
        Y[i, j] = exp(X[i, j] - m) + m;
    }
}
