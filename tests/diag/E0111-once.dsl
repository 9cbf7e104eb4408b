kernel k(in f32 X[N], out f32 Y[N]) {
    grid (i in N) Y[i] = 0 <= X[i] < 1 ? 1.0 : 0.0;
}
