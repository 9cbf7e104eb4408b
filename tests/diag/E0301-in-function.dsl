fn norm(f32 x) -> f32 = x / sum(x, j);
kernel k(in f32 X[N, M], out f32 Y[N, M]) {
    grid (i in N) {
        axis j in M;
        Y[i, j] = norm(X[i, j]);
    }
}
