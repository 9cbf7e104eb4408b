kernel k(in f32 X[N, M], out f32 Y[N, M]) {
    grid (i in N) {
        axis j in M;
        Y[i, j] = softmax(X[i, j], j);
    }
}
