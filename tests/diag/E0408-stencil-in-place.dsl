kernel smooth(inout f32 X[N])
{
    grid (i in N) X[i] = (X[i - 1] + X[i] + X[i + 1]) / 3;
}
