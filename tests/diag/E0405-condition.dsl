kernel k(in f32 X[N], inout f32 Y[4]) {
    grid (i in N) atomic Y[0] max= 1.0 where X[i] > 1.0;
}
