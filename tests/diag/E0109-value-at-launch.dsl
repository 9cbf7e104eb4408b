kernel k(in f32 X[N], out f32 Y[N] = 0) {
    int n = N / 2;
    grid (i in n) Y[i] = X[i];
}
