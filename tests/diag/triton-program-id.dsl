kernel add(in f32 X[N], out f32 Z[N])
{
    grid (i in N) {
        let pid = program_id(0);
        Z[i] = X[pid];
    }
}
