// The multi-label margin loss of short rows: one thread for each, every pair, the labels as bits of a word.

struct Narrow {
    const Stored* scores;
    const Label* labels;
    int length;
    Tally marked;                         // a bit for each class that is a label
    bool beyond;
};

__device__ inline Count first_of_thread(const Task& task) {
    return task.first + static_cast<Count>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__device__ inline Narrow narrow_row(const Task& task, Count row) {
    Narrow found;
    found.scores = task.scores + row * task.classes;
    found.labels = static_cast<const Label*>(task.target) + row * task.classes;
    found.marked = 0;
    found.beyond = false;
    for (found.length = 0; found.length < task.classes; ++found.length) {
        const Label label = found.labels[found.length];
        if (label < 0) break;
        if (static_cast<Count>(label) >= task.classes) found.beyond = true;
        else found.marked |= Tally(1) << label;
    }
    return found;
}

__device__ inline bool is_active(Wide other, Wide label) { return !(margin_of(other) - label <= 0); }

__device__ inline double narrow_loss(const Task& task, const Narrow& row) {
    double sum = 0;
    for (int j = 0; j < row.length; ++j) {
        const double a = FORMAT::load(row.scores[row.labels[j]]);
        for (int i = 0; i < task.classes; ++i) {
            if (row.marked >> i & 1) continue;
            const double v = margin_of(FORMAT::load(row.scores[i]));
            if (!(v - a <= 0)) sum += v - a;
        }
    }
    return sum / task.classes;
}

extern "C" __global__ void margin_forward_narrow(Task task) {
    const Count step = static_cast<Count>(gridDim.x) * blockDim.x;
    double mine = 0;
    for (Count at = first_of_thread(task); at < task.rows; at += step) {
        const Narrow row = narrow_row(task, at);
        const double loss = row.beyond ? not_a_number() : narrow_loss(task, row);
        mine += loss;
        if (task.reduction == 0) task.result[at] = FORMAT::store(loss);
    }
    if (task.reduction != 0) reduce_over_rows(task, mine, pool);
}

// Active pairs of one class: with every label, or, of a label, with every other class each time it stands there.
__device__ inline int narrow_count(const Task& task, const Narrow& row, int class_index) {
    const Wide score = FORMAT::load(row.scores[class_index]);
    int count = 0, times = 0;
    if (!(row.marked >> class_index & 1)) {
        for (int j = 0; j < row.length; ++j) count += is_active(score, FORMAT::load(row.scores[row.labels[j]]));
        return count;
    }
    for (int j = 0; j < row.length; ++j) times += row.labels[j] == class_index;
    for (int i = 0; i < task.classes; ++i)
        count += !(row.marked >> i & 1) && is_active(FORMAT::load(row.scores[i]), score);
    return -times * count;
}

extern "C" __global__ void margin_backward_narrow(Task task) {
    const Count step = static_cast<Count>(gridDim.x) * blockDim.x;
    for (Count at = first_of_thread(task); at < task.rows; at += step) {
        const Narrow row = narrow_row(task, at);
        const double scale = upstream(task, at) / divisor(task);
        for (int i = 0; i < task.classes; ++i) {
            const double slope = row.beyond ? not_a_number() : narrow_count(task, row, i) * scale;
            task.result[at * task.classes + i] = FORMAT::store(slope);
        }
    }
}
