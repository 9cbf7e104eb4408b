kernel k(in f32 X[N], out f32 Y[N]) {
    temp f32 t[N];
    grid (i in N) {
        t[i] = X[i];
        barrier();
        Y[i] = t[i];
    }
}
