kernel relu(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        if (X[i] > 0) Y[i] = X[i];
        else Y[i] = 0;
    }
}
