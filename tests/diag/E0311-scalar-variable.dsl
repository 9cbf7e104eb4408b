kernel k(in f32 X[N], out f32 Y[N]) {
    grid (i in N) {
        f32 x = X[i];
        Y[i] = x;
    }
}
