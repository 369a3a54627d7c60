"""The Quick Start's experiment: a support vector classifier for the digits."""

from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from dataworkspaces.kits.scikit_learn import LineagePredictor, load_dataset_from_resource

dataset = load_dataset_from_resource("sklearn-digits-dataset")
classifier = LineagePredictor(
    SVC(gamma=0.001),
    "multiclass_classification",
    input_resource=dataset.resource,
    model_save_file="digits.joblib",
)
X_train, X_test, y_train, y_test = train_test_split(
    dataset.data, dataset.target, test_size=0.5, shuffle=False
)
classifier.fit(X_train, y_train)
print(classifier.score(X_test, y_test))
