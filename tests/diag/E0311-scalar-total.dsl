kernel norm(in f32 X[N], out f32 Y[1])
{
    grid {
        f32 acc = 0;
        for (k in N) acc += X[k] * X[k];
        Y[0] = sqrt(acc);
    }
}
