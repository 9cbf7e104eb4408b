kernel windows(in f32 X[N], out f32 Y[N])
{
    grid (each i in N) {
        axis w in 4;
        Y[i * 2 + w] = X[i * 4 + w];
    }
}
