kernel k(in i32 X[N], out f32 Y[N]) {
    grid (i in N) Y[i] = !X[i] ? 1.0 : 0.0;
}
