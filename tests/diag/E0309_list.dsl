kernel k(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        axis j in 3;
        f32 w[j] = {1, 2};
        Y[i] = sum(w, j) * X[i];
    }
}
