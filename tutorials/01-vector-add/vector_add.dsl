/// C = A + B, element by element.
kernel add<T: num>(in T A[N], in T B[N], out T C[N])
{
    grid (i in N) C[i] = A[i] + B[i];
}
