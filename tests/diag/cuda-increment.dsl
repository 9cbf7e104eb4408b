kernel count(in i32 X[N], out i32 Y[N])
{
    grid (i in N) {
        i32 n = 0;
        while (n < 4) n++;
        Y[i] = X[i] + n;
    }
}
