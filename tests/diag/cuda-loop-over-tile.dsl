kernel rows(in f32 X[M, N], out f32 Y[M])
{
    grid (m in M) {
        f32 acc[m] = 0;
        for (int j = 0; j < N; j++) acc += X[m, j];
        Y[m] = acc;
    }
}
