kernel transpose(inout f32 X[N, N])
{
    grid (i in N, j in N) X[i, j] = X[j, i];
}
