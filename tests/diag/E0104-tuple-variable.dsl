kernel k(in f32 X[N], out f32 Y[N]) {
    grid (i in N) {
        (f32, i32) t = (X[i], 3);
        Y[i] = t.0;
    }
}
