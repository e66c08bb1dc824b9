// The multi-label soft margin loss: one block for each row, or one thread where rows are short.
//
//     l(x, y) = (1 - y) max(x, 0) + y max(-x, 0) + log(1 + e^-|x|)
//
// has no negative term for y in [0, 1], so nothing cancels and nothing overflows.

// A factor 0 removes an infinite score, as the formula's limit says; NaN stays, by the logarithm.
__device__ inline Wide unless_zero(Wide factor, Wide value) { return factor == 0 ? Wide(0) : factor * value; }

__device__ inline double soft_element(Wide x, Wide y) {
    const Wide size = x < 0 ? -x : x, rest = 1 - y;
    const Wide linear = x > 0 ? unless_zero(rest, x) : unless_zero(y, -x);
    return static_cast<double>(linear) + static_cast<double>(log_of_one_plus(exponential(-size)));
}

// (1 - y) / (1 + e^-x) - y / (1 + e^x)
__device__ inline double soft_slope(Wide x, Wide y) {
    const Wide decay = exponential(x < 0 ? x : -x), near = 1 / (1 + decay), far = decay / (1 + decay);
    const Wide up = x < 0 ? far : near, down = x < 0 ? near : far;
    return static_cast<double>((1 - y) * up - y * down);
}

__device__ inline double weight_of(const Task& task, Count class_index) {
    return task.weight ? static_cast<double>(FORMAT::load(task.weight[class_index])) : 1.0;
}

extern "C" __global__ void soft_forward(Task task) {
    double* const slots = pool;
    const Count team = task.narrow ? 1 : blockDim.x, teams = blockDim.x / team;
    const Stored* const labels = static_cast<const Stored*>(task.target);
    double mine = 0;
    for (Count row = task.first + blockIdx.x * teams + threadIdx.x / team; row < task.rows; row += gridDim.x * teams) {
        const Count start = row * task.classes;
        double sum = 0;
        for (Count i = threadIdx.x % team; i < task.classes; i += team) {
            const Wide x = FORMAT::load(task.scores[start + i]), y = FORMAT::load(labels[start + i]);
            sum += weight_of(task, i) * soft_element(x, y);
        }
        if (team > 1) sum = block_sum(sum, slots);
        if (threadIdx.x % team != 0) continue;
        mine += sum / task.classes;
        if (task.reduction == 0) task.result[row] = FORMAT::store(sum / task.classes);
    }
    if (task.reduction != 0) reduce_over_rows(task, mine, slots);
}

extern "C" __global__ void soft_backward(Task task) {
    const Count team = task.narrow ? 1 : blockDim.x, teams = blockDim.x / team;
    const Stored* const labels = static_cast<const Stored*>(task.target);
    for (Count row = task.first + blockIdx.x * teams + threadIdx.x / team; row < task.rows; row += gridDim.x * teams) {
        const Count start = row * task.classes;
        const double factor = upstream(task, row) / divisor(task);
        for (Count i = threadIdx.x % team; i < task.classes; i += team) {
            const Wide x = FORMAT::load(task.scores[start + i]), y = FORMAT::load(labels[start + i]);
            task.result[start + i] = FORMAT::store(weight_of(task, i) * soft_slope(x, y) * factor);
        }
    }
}
